"""The raw samples beside this file, as received, and what they say."""

from dataclasses import dataclass
from pathlib import Path

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Sample:
    """An event stream's body, with what a reader has to make of it."""

    name: str
    text: str
    thinking: str | None
    events: int
    prompt_tokens: int | None
    output_tokens: int
    finish_reason: str

    @property
    def body(self) -> bytes:
        return (_HERE / f"{self.name}.txt").read_bytes()


PARIS = "The capital of France is Paris."

SAMPLES = (
    Sample("vllm_stream", PARIS, None, 7, 37, 8, "stop"),
    Sample("vllm_stream_contusage", "The capital of France", None, 4, 37, 4, "length"),
    Sample("vllm_stream_nousage", "The capital of", None, 3, None, 3, "length"),
    Sample(
        "vllm_stream_reasoning",
        "Received coercbalancedankarchery Gaelic LB heaviest",
        "utingello propag temperate XIVaneseWh ensl priorit Activity Ci raisite applicati"
        "ons Gospels Kids tremorJe haplot Sever mineravENGTHtering administr numilo49265 "
        "LaTeX unf pactmurwre Corb architecturesilantro … Distributedmaloothachine slashc"
        "orrelationinez Thursday Selectionarcotie shutdown libraries Window reminds colot"
        "e49169",
        59,
        6,
        60,
        "length",
    ),
    Sample("llamacpp_stream", "L'Étoile, la Marseillaise, la femme au", None, 16, 37, 16, "length"),
)
