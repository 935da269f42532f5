"""A function of the user's own, wherever params.yaml names one."""

from pydantic import model_validator

from tasks.params.base import Section


class FunctionSource(Section):
    """Where a function lies: by import path, or in a file of the project."""

    function: str
    file: str | None = None
    sha256: str
    """Hash of the file that defines it: DVC sees its changes through it, and a stage refuses a file with another one."""

    @model_validator(mode="after")
    def _can_be_found(self) -> "FunctionSource":
        if self.file is None and "." not in self.function:
            raise ValueError("function: give an import path such as package.module.name, or the file that defines it")
        if self.file is not None and not self.function.isidentifier():
            raise ValueError("function: with a file it is the name that the file defines")
        return self
