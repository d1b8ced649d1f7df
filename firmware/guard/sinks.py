"""Where decisions go besides the sounder and the journal: the recorder and the live view."""

from collections.abc import Callable, Sequence
from typing import Protocol

from firmware.core.messages import Input, Output
from firmware.guard.background import Background
from firmware.outputs import as_json


class TransferRecorder(Protocol):
    """Takes what went into the core and what came out, in order; `firmware.recording.Recorder` does."""

    def transfer(self, inputs: Sequence[Input], outputs: Sequence[Output]) -> None: ...

    def close(self) -> None: ...


class RecorderSink:
    """Hands every transfer to the recorder, off the loop."""

    def __init__(self, recorder: TransferRecorder, complain: Callable[[str], None]) -> None:
        self._recorder, self._complain = recorder, complain
        self._failed = False
        self.background: Background[tuple[Sequence[Input], Sequence[Output]]] = Background(self._write, complain)

    def take(self, inputs: Sequence[Input], outputs: Sequence[Output]) -> None:
        if inputs and not self._failed:
            self.background.put((inputs, outputs))

    def close(self) -> None:
        try:
            self._recorder.close()
        except OSError as error:
            self._complain(f"recording: {error}; it is not complete")

    def _write(self, transfers: Sequence[tuple[Sequence[Input], Sequence[Output]]]) -> None:
        try:
            for inputs, outputs in transfers:
                self._recorder.transfer(inputs, outputs)
        except OSError as error:  # a full disk ends the recording, never the walk
            self._failed = True
            self._complain(f"recording: {error}; the walk goes on unrecorded")


class MonitorSink:
    """Shows every output to whoever watches; what does not get through is not missed."""

    def __init__(self, send: Callable[[dict[str, object]], object]) -> None:
        self._send = send

    def take(self, inputs: Sequence[Input], outputs: Sequence[Output]) -> None:
        for output in outputs:
            self._send({"v": 1, **as_json(output)})
