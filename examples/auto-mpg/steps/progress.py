"""Tells Norgay how a training goes: one JSON line a check, in the file that it named."""

import json
from types import TracebackType


class Progress:
    """Appends the validation error to a file, if there is one.

    `scale` turns a loss on the scaled target into a mean squared error in the target's own unit,
    so that the values on the way and the objective at the end are of one kind.
    """

    def __init__(self, path: str | None, scale: float) -> None:
        self._file = open(path, "a", encoding="utf-8") if path else None
        self._scale = scale

    def report(self, epoch: int, val_loss: float) -> None:
        """Append one line at once: Norgay may stop the trial because of it."""
        if self._file is None:
            return
        line = {"step": epoch, "mean_squared_error": self._scale * val_loss}
        self._file.write(json.dumps(line, allow_nan=False) + "\n")
        self._file.flush()

    def __enter__(self) -> "Progress":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()
