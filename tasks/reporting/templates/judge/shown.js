// Whether the figures that this page shows are those of the verdict it carries.
//
// What belongs here: reading figures off the page and holding them against the verdict. What does not: how they are written
// (tasks/reporting/figures.py): a number agrees if the verdict's, rounded to as many digits, is the one that is shown.

const shown = (() => {
  const STATUSES = { pass: "pass", fail: "fail", inconclusive: "inconclusive", not_judged: "not judged" };
  const DECISIONS = { promote: "Promote", reject: "Reject", inconclusive: "Inconclusive", not_judged: "Not judged" };
  const NONE = "\u2013";

  const DIGITS = 4;
  // As MOST_CRITERIA of tasks/reporting/page.py.
  const MOST_CRITERIA = 400;
  // What the row of each listed criterion shows, a dash where the verdict has nothing.
  const FIELDS = ["status", "champion", "challenger", "delta", "interval", "limit", "n", "reason"];
  // What the first screen shows of criteria, all of it the verdict's.
  const DECISIVE = ".forest .what span, .forest .figures b, .forest .figures span, .undrawn .what small";

  const isKnown = (value) => value !== null && value !== undefined;
  const numbersIn = (text) => text.replaceAll("\u2212", "-").replaceAll(",", "").match(/[-+]?\d+(\.\d+)?(e[-+]?\d+)?/g) || [];

  // digits_of of tasks/reporting/figures.py.
  function digitsOf(...values) {
    const largest = Math.max(0, ...values.filter(isKnown).map(Math.abs));
    return Math.max(0, DIGITS + 1 - largest.toFixed(0).length);
  }

  // Figures with at least so many digits: were fewer enough, any figure could be edited to a round one.
  const rounded = (fewest, ...values) => values.map((value) => ({ value, fewest, off: null }));
  const level = (value) => rounded(digitsOf(value), value);
  const ends = (interval, fewest) => (interval ? rounded(fewest, interval.low, interval.high) : []);
  // A figure as it was declared or counted, but for the ninth digit after the point.
  const declared = (value, off = 1e-12) => ({ value, fewest: 0, off });

  function isWritten(text, { value, fewest, off }) {
    const digits = (text.split(".")[1] || "").length;
    const most = off === null ? 0.5 * 10 ** -digits * (1 + 1e-6) + 1e-12 : 0.51e-9 + off * Math.abs(value);
    return digits >= fewest && Math.abs(Number(text) - value) <= most;
  }

  function agree(text, figures) {
    const wanted = figures.filter(({ value }) => isKnown(value));
    if (text.trim() === NONE || !wanted.length) return text.trim() === NONE && !wanted.length;
    const numbers = numbersIn(text);
    return numbers.length === wanted.length && numbers.every((number, place) => isWritten(number, wanted[place]));
  }

  function edgeOf(outcome) {
    const edge = outcome.margin !== null ? -outcome.margin : outcome.better_by;
    return edge === null ? null : outcome.direction === "lower_is_better" ? -edge : edge;
  }

  // A difference and its interval are written with the digits of the largest among the interval and its limit, or with their own.
  function fewestOf(outcome, ...values) {
    const { interval } = outcome;
    const own = digitsOf(...values);
    return interval ? Math.min(own, digitsOf(interval.low, interval.high, statuses.isCompared(outcome) ? edgeOf(outcome) : outcome.bound)) : own;
  }

  // The verdict's reason as a headline: without the decision that it begins with, what was noted of it at the end.
  function headlinesOf(verdict) {
    const reason = verdict.reason.split(/\s+/).filter(Boolean).join(" ");
    const found = /^[A-Z ]+?(?: \(([^()]*)\))?: *(.+)$/.exec(reason);
    return found ? [found[2], `${found[2]} (${found[1]})`, reason] : [reason];
  }

  const EXPECTED = {
    champion: (outcome) => level(outcome.champion),
    challenger: (outcome) => level(outcome.challenger),
    delta: (outcome) => rounded(fewestOf(outcome, outcome.delta), outcome.delta),
    interval: ({ interval, ...outcome }) => ends(interval, interval && fewestOf({ interval, ...outcome }, interval.low, interval.high)),
    challenger_interval: ({ challenger_interval: own }) => ends(own, own && digitsOf(own.low, own.high)),
    n: (outcome) => [declared(outcome.n)],
    level_interval: (outcome) => EXPECTED[statuses.isCompared(outcome) || !outcome.interval ? "challenger_interval" : "interval"](outcome),
    edge: (outcome) => [declared(edgeOf(outcome))],
    bound: (outcome) => [declared(outcome.bound)],
    // The share is written with six digits.
    limit: (outcome) => [
      declared(outcome.bound),
      declared(edgeOf(outcome)),
      declared(outcome.relative_margin === null ? null : 100 * outcome.relative_margin, 5.1e-6),
    ],
  };

  // Whether one element agrees. `what`: "decision", or "<place of the outcome>.<field>".
  function holds(element, what, verdict) {
    const text = element.textContent.trim();
    if (what === "decision") return text.replace(/:$/, "").trim() === DECISIONS[verdict.decision] + (verdict.rubber_stamp ? " (rubber stamp)" : "");
    if (what === "headline") return headlinesOf(verdict).includes(text);
    const [place, field] = what.split(".");
    const outcome = verdict.criteria[Number(place)];
    if (!outcome) return false;
    if (field === "status") return text.startsWith(STATUSES[outcome.status]);
    if (field === "reason") return text === outcome.reason.trim();
    if (field === "limit" && outcome.metric === null) return text === "passed";
    return agree(text, EXPECTED[field](outcome));
  }

  // The criteria that have a row of their own: all, or as many as fit, those that did not pass first.
  function listedOf(verdict) {
    const places = [...verdict.criteria.keys()];
    const didPass = (place) => verdict.criteria[place].status === "pass";
    return [...places.filter((place) => !didPass(place)), ...places.filter(didPass)].slice(0, MOST_CRITERIA);
  }

  // Whether a figure stands in the heading, or in the row of its own criterion: elsewhere it may stand too, but need not.
  function isInPlace(element) {
    const [place, field] = element.dataset.figure.split(".");
    return field === undefined ? element.closest("h1") !== null : element.closest("tr")?.id === `criterion-${place}`;
  }

  // What has to be shown and is not, as what it would be of: a figure that says of itself that it is none is not exempt.
  function missingOf(elements, verdict) {
    const found = new Set(elements.filter(isInPlace).map((element) => element.dataset.figure));
    const wanted = listedOf(verdict).flatMap((place) => FIELDS.map((field) => `${place}.${field}`));
    return ["decision", "headline", ...wanted].filter((what) => !found.has(what));
  }

  // All elements that carry data-figure, and those that should: how many there are, those that disagree, and what is missing.
  function compare(root, verdict) {
    const elements = [...root.querySelectorAll("[data-figure]")];
    const unmarked = [...root.querySelectorAll(DECISIVE)].filter((element) => element.dataset.figure === undefined);
    const differing = elements.filter((element) => !holds(element, element.dataset.figure, verdict)).concat(unmarked);
    return { count: elements.length, differing, missing: missingOf(elements, verdict) };
  }

  return { compare };
})();
