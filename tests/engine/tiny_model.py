"""Makes the folder of a Llama small enough for a laptop: a configuration and a tokenizer.

There are no weights: vLLM makes random ones (`--load-format dummy`). Nothing is downloaded, and
the same folder comes out every time. Runs under the Python that vLLM is installed for::

    python tiny_model.py FOLDER
"""

import json
import sys
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

VOCABULARY = 1000
END = "<|end|>"
ROLES = ("<|system|>", "<|user|>", "<|assistant|>")

ENGLISH = """\
A load test sends the real mix of questions at rising concurrency and watches when every token
arrives. What is the time to first token when thirty-two people ask at once? The first token waits
in the queue, then the prompt is read, then the answer comes one token after another until it ends
or its length is spent. A server that answers quickly when it is alone may answer slowly under load,
and only a measurement with enough requests can tell one from the other.
Let x be a positive integer such that x + 3 = 10. What is the value of x? Please reason step by
step, and put your final answer within \\boxed{}. The sum of the first n odd numbers is n^2, so
1 + 3 + 5 + 7 + 9 = 25. How many of the 120 students can be divided into 8 equal groups?
Which of the following is the most likely reason why people carry an umbrella? (A) rain (B) wind
(C) snow (D) music (E) bread. Answer with the letter alone. Where would you put a plate after you
have washed it? What do you call the person who looks after the sick in a hospital?
A patient with a fever, a cough and pain in the chest has had the symptoms for three days. Which
drug is the first choice of treatment, and at what dose? The disease is caused by a virus or a
bacterium; the diagnosis is made from the blood, the pressure of the heart and the history. Vitamin
C deficiency causes scurvy, insulin lowers the sugar in the blood, and aspirin thins it.
Could you help me write a short letter to my landlord about the heating? Tell me more about that.
Explain it to a child. Give me three ideas for dinner with rice, eggs and tomatoes. Thank you!
"""
CHINESE = """\
请用一句话回答下面的问题。患者发热、咳嗽三天,最可能的诊断是什么?首选的治疗药物是什么?
下列哪一项是正确的?请只回答选项的字母。请一步一步地推理,并把最后的答案写在方框里。
你好,可以帮我写一封信吗?谢谢你。高血压和糖尿病的病人应该注意什么?一共有多少个苹果?
"""

CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "<|{{ message['role'] }}|>{{ message['content'] }}<|end|>"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def tokenizer() -> Tokenizer:
    """A byte-level BPE tokenizer: any text can be written in it, most words in a few tokens."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        min_frequency=1,
        special_tokens=[END, *ROLES],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    made.train_from_iterator([ENGLISH, CHINESE], trainer)
    return made


def configuration(vocabulary: int) -> dict[str, object]:
    """config.json of the Llama: 4 layers, hidden 256, 4 heads, 2 of them for keys and values."""
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": vocabulary,
        "hidden_size": 256,
        "intermediate_size": 688,
        "num_hidden_layers": 4,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 64,
        "hidden_act": "silu",
        "max_position_embeddings": 4096,
        "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0,
        "attention_bias": False,
        "tie_word_embeddings": False,
        "bos_token_id": None,
        "eos_token_id": None,
        "torch_dtype": "bfloat16",
    }


def make(folder: Path) -> None:
    """Writes the model's files into `folder`, which is made if it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    made = tokenizer()
    made.save(str(folder / "tokenizer.json"))
    documents = {
        "config.json": configuration(made.get_vocab_size()),
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": 4096,
            "clean_up_tokenization_spaces": False,
            "chat_template": CHAT_TEMPLATE,
        },
    }
    for name, document in documents.items():
        (folder / name).write_text(json.dumps(document, indent=1), encoding="utf-8")


if __name__ == "__main__":
    make(Path(sys.argv[1]))
