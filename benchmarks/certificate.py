"""A certificate for the server with the known truth."""

from pathlib import Path

import trustme


def self_signed(folder: Path) -> Path:
    """Writes a key, a certificate for 127.0.0.1 and the authority that signed it into one file.

    The server shows the first certificate of it; clients trust all that are in it.
    """
    authority = trustme.CA()
    path = folder / "certificate.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(path))
    authority.cert_pem.write_to_path(str(path), append=True)
    return path
