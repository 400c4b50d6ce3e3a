"""What a run asked, a line a task: its share, its files, its lengths."""

from pathlib import Path

from loadproof.model.lengths import Lengths
from loadproof.model.quantity import duration_text
from loadproof.model.traffic import Traffic


def asked(entry: Traffic) -> str:
    """One task of the traffic: "medical_qa, weight 2, questions in medqa_test.jsonl (medqa)"."""
    parts = [entry.task, f"weight {entry.weight:g}"]
    if entry.think_time is not None:
        parts.append(f"pauses of {duration_text(entry.think_time)}")
    if entry.file is not None:
        parts.append(f"a task of its own in {Path(entry.file).name}")
    if entry.questions is not None:
        written = f" ({entry.format})" if entry.format else ""
        parts.append(f"questions in {Path(entry.questions).name}{written}")
    if entry.lengths is not None:
        parts.append(f"lengths in {Path(entry.lengths).name}")
    if entry.trace is not None:
        parts.append(f"requests in {Path(entry.trace).name}")
    if entry.input_tokens is not None:
        parts.append(f"prompts of {lengths(entry.input_tokens)} tokens")
    if entry.output_tokens is not None:
        parts.append(f"answers of {lengths(entry.output_tokens)} tokens")
    if entry.max_tokens is not None:
        parts.append(f"at most {entry.max_tokens:,} tokens")
    if entry.shared_prefix:
        groups = f" in {entry.prefix_groups} groups" if entry.prefix_groups else ""
        parts.append(f"{100 * entry.shared_prefix:g} % of each prompt shared{groups}")
    if entry.tokens is not None:
        parts.append("lengths exact" if entry.tokens.exact else "lengths right on average")
    return ", ".join(parts)


def lengths(found: Lengths) -> str:
    """A distribution in words: "512", "100 to 500", "180 (median, sigma 0.9, at most 2,000)"."""
    if found.median is not None:
        return f"{found.median:,g} (median, sigma {found.sigma:g}, at most {found.max:,})"
    return f"{found.max:,}" if found.min == found.max else f"{found.min:,} to {found.max:,}"
