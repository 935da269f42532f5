"""The page's templates (Jinja2) and its style sheet; a package only so that they are installed. Holds no code."""
