"""What an error of somebody else's code may say: its type, its line and its words, and no value of a row."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder, StandardScaler
from small_models import small_frame

from tasks.errors import ModelError
from tasks.models import fit_recipe, predict_positive
from tasks.user_code import quote_error


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("could not convert string to float: 'Mary'", "could not convert string to float: …"),
        ("""could not convert "Mary's" or 'Joe'""", "could not convert … or …"),
        ("Found unknown categories ['Mary', nan] in column 0", "Found unknown categories […] in column 0"),
        ("bad value 1234567 or -3.25e-4 in 12 rows", "bad value … or … in 12 rows"),
        ("The 'learning_rate' parameter isn't known", "The 'learning_rate' parameter isn't known"),
        ("two\nlines", "two lines"),
        ("", ""),
    ],
)
def test_values_go_and_words_stay(text, said):
    """Quoted texts, lists and telling numbers are hidden; known names and plain words are not."""
    found = quote_error(ValueError(text), known=("learning_rate",))
    assert found == f"ValueError: {said}".removesuffix(": ")


def test_a_long_message_is_cut():
    """A message may hold a whole frame."""
    assert len(quote_error(ValueError("word " * 1000))) < 330


def test_a_fit_that_stumbles_over_a_value_does_not_tell_it():
    """scikit-learn quotes the text that it cannot turn into a number."""
    frame, label = small_frame()
    frame["city"] = "Mary Miller"
    with pytest.raises(ModelError) as caught:
        fit_recipe(make_pipeline(StandardScaler(), LogisticRegression()), frame[["city"]], label, seed=1)
    assert "could not convert string to float" in caught.value.found
    assert "Mary" not in str(caught.value)


def test_a_model_that_stumbles_over_a_value_does_not_tell_it():
    """An encoder names the categories that it has not seen."""
    frame, label = small_frame()
    model = make_pipeline(OrdinalEncoder(), LogisticRegression())
    frame["city"] = np.where(label == 1, "here", "there")
    fitted = fit_recipe(model, frame[["city"]], label, seed=1)
    with pytest.raises(ModelError) as caught:
        predict_positive(fitted, frame[["city"]].replace("here", "Mary Miller"))
    assert "unknown categories" in caught.value.found
    assert "Mary" not in str(caught.value)
