"""RequestRecords as lines of requests.jsonl."""

import msgspec

from loadproof.model.record import RequestRecord

_DECODER = msgspec.json.Decoder(RequestRecord)
_ENCODER = msgspec.json.Encoder()


def encode_record(record: RequestRecord) -> bytes:
    """The JSON line of `record`, without its newline.

    Floats keep their shortest exact form. Lone surrogates, which a server can send as escapes
    and JSON in UTF-8 cannot hold, become question marks.
    """
    try:
        return _ENCODER.encode(record)
    except UnicodeEncodeError:
        return _ENCODER.encode(_without_surrogates(record))


def decode_record(line: bytes) -> RequestRecord:
    """The record of a line. Fields that a newer version has added are passed over.

    Raises msgspec.DecodeError where the line is no JSON (it was torn), and its subclass
    msgspec.ValidationError where it is JSON but no record.
    """
    return _DECODER.decode(line)


def _without_surrogates(record: RequestRecord) -> RequestRecord:
    texts = {name: getattr(record, name) for name in record.__struct_fields__}
    return msgspec.structs.replace(
        record,
        **{
            name: value.encode("utf-8", "replace").decode("utf-8")
            for name, value in texts.items()
            if type(value) is str
        },
    )
