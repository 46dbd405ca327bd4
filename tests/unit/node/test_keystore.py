"""The keystore: what it refuses, what it never leaves behind, and what its files give away."""

import os
import stat
from pathlib import Path

import msgspec
import pytest

from chain.devchain.signing import account
from market.errors import UsageError
from market.identity import AccountId, Identity, ss58_from_account
from node.keystore import files
from node.keystore.development import NAMES, development_name, development_seed
from node.keystore.errors import (
    DamagedKeyError,
    DevelopmentKeyError,
    KeyExistsError,
    KeystoreError,
    LoosePermissionsError,
    NoPassphraseError,
    NoSuchKeyError,
    WrongPassphraseError,
)
from node.keystore.passphrase import VARIABLE, find_passphrase
from node.keystore.sealing import MAX_COST, Cipher, KeyFile, read_key_file
from node.keystore.store import Keystore, StoredKey, parse_seed, refuse_development_key

SEED = bytes(range(32))
CHEAP = 2**10
"""scrypt's least cost, so that tests are about the rest."""
SECRET = "correct horse"


@pytest.fixture
def store(tmp_path: Path) -> Keystore:
    return Keystore(tmp_path / "keys")


def create(store: Keystore, name: str = "node", **options: object) -> StoredKey:
    return store.create(name, SEED, SECRET, cost=CHEAP, **options)  # type: ignore[arg-type]


def test_a_key_opens_with_its_passphrase_and_gives_peer_and_account(store: Keystore) -> None:
    create(store)
    identity = store.get("node").unlock(SECRET)
    assert identity == Identity.from_seed(SEED)
    assert (store.get("node").file.peer, store.get("node").file.account_id) == (
        identity.peer,
        identity.account,
    )
    assert store.get("node").reveal(SECRET) == SEED


def test_a_key_of_another_account_opens_as_that_account(store: Keystore) -> None:
    other = AccountId(b"\7" * 32)
    create(store, account=other)
    assert store.get("node").unlock(SECRET).account == other
    assert store.get("node").file.signs_for_another


@pytest.mark.parametrize("passphrase", ["", "Correct horse", "correct horse ", "x" * 10_000])
def test_a_wrong_passphrase_is_told_as_such(store: Keystore, passphrase: str) -> None:
    create(store)
    with pytest.raises(WrongPassphraseError, match="does not open"):
        store.get("node").unlock(passphrase)


def test_neither_seed_nor_passphrase_is_in_the_file_or_in_any_text_of_the_objects(
    store: Keystore,
) -> None:
    key = create(store)
    for text in (key.path.read_text(), repr(key), repr(key.unlock(SECRET))):
        assert SEED.hex() not in text
        assert repr(SEED) not in text
        assert SECRET not in text


def test_file_and_folder_are_the_owners_alone_whatever_the_umask(store: Keystore) -> None:
    before = os.umask(0)
    try:
        key = create(store)
    finally:
        os.umask(before)
    assert stat.S_IMODE(key.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(store.folder.stat().st_mode) == 0o700
    assert [path.name for path in store.folder.iterdir()] == ["node.key.json"]


def test_a_key_is_never_overwritten(store: Keystore) -> None:
    first = create(store).path.read_bytes()
    with pytest.raises(KeyExistsError, match="choose another name"):
        store.create("node", bytes(32), "other", cost=CHEAP)
    assert store.get("node").path.read_bytes() == first


@pytest.mark.parametrize("call", ["fsync", "link"])
def test_a_disk_that_fails_leaves_no_file_behind(
    store: Keystore, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.folder.mkdir(mode=0o700)

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, call, fail)
    with pytest.raises(KeystoreError, match="No space left"):
        create(store)
    assert list(store.folder.iterdir()) == []


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o601])
def test_a_file_that_others_may_touch_is_refused(store: Keystore, mode: int) -> None:
    create(store).path.chmod(mode)
    with pytest.raises(LoosePermissionsError, match="chmod 600"):
        store.get("node")


def test_a_folder_that_others_may_write_to_is_refused(store: Keystore) -> None:
    store.folder.mkdir(mode=0o700)
    store.folder.chmod(0o770)
    with pytest.raises(LoosePermissionsError, match="chmod 700"):
        create(store)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_somebody_else_is_refused(store: Keystore) -> None:
    os.chown(create(store).path, 12345, 12345)
    with pytest.raises(LoosePermissionsError, match="12345"):
        store.get("node")


def test_links_pipes_and_long_files_are_refused(store: Keystore) -> None:
    key = create(store)
    store.path_of("link").symlink_to(key.path)
    os.mkfifo(store.path_of("pipe"), 0o600)
    store.path_of("long").write_bytes(b" " * (files.MAX_BYTES + 1))
    store.path_of("long").chmod(0o600)
    for name, message in (("link", "symbolic"), ("pipe", "no plain"), ("long", "longer than")):
        with pytest.raises(DamagedKeyError, match=message):
            store.get(name)
    assert [n for n, found in store.all() if isinstance(found, StoredKey)] == ["node"]


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "a/b", "/etc/passwd", "a\0b", "-x", ".hidden", "x" * 64, "é"]
)
def test_a_name_stays_in_the_folder(store: Keystore, name: str) -> None:
    with pytest.raises(UsageError, match="no name for a key"):
        create(store, name)


def test_a_missing_key_is_told_with_those_that_are_there(store: Keystore) -> None:
    create(store)
    with pytest.raises(NoSuchKeyError, match=r"there: node.*ainur keys new other"):
        store.get("other")


def tampered(file: KeyFile) -> list[KeyFile]:
    """The file with one public thing changed and the digest mended, as an attacker would."""
    from node.keystore.sealing import _digest

    flip = "f" if file.cipher.ciphertext[0] == "0" else "0"
    other = Identity.from_seed(bytes(32))
    changed = (
        msgspec.structs.replace(file, development="//Alice"),
        msgspec.structs.replace(file, account=ss58_from_account(other.account)),
        msgspec.structs.replace(file, public_key=other.key.hex()),
        msgspec.structs.replace(file, created_at="1970"),
        msgspec.structs.replace(
            file,
            cipher=Cipher(nonce=file.cipher.nonce, ciphertext=flip + file.cipher.ciphertext[1:]),
        ),
        msgspec.structs.replace(file, kdf=msgspec.structs.replace(file.kdf, n=2**11)),
    )
    return [msgspec.structs.replace(each, digest=_digest(each)) for each in changed]


@pytest.mark.parametrize("which", range(6))
def test_no_public_part_can_be_changed_behind_the_owners_back(store: Keystore, which: int) -> None:
    key = create(store)
    key.path.write_bytes(tampered(key.file)[which].encode())
    with pytest.raises(WrongPassphraseError):
        store.get("node").unlock(SECRET)


def test_every_single_damaged_byte_is_found_without_the_passphrase(store: Keystore) -> None:
    data = create(store).file.encode()
    for place in range(len(data)):
        spoiled = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        try:
            file = read_key_file(spoiled, "it")
        except DamagedKeyError:
            continue
        assert file == read_key_file(data, "it"), place  # white space, at most


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"null", b"\xff\xfe", b"{" * 5000])
def test_what_is_no_key_is_told_as_damaged(data: bytes) -> None:
    with pytest.raises(DamagedKeyError):
        read_key_file(data, "it")


def test_a_file_cannot_ask_for_more_memory_than_we_allow(store: Keystore) -> None:
    key = create(store)
    greedy = key.file.encode().replace(b'"n": 1024', f'"n": {MAX_COST * 2}'.encode())
    with pytest.raises(DamagedKeyError):
        read_key_file(greedy, "it")


@pytest.mark.parametrize("name", NAMES)
def test_development_keys_are_those_of_every_substrate_tool(name: str) -> None:
    key = Identity.from_seed(development_seed(name)).key
    assert key == account(name, "ed25519").public
    assert development_name(key) == f"//{name}"


def test_a_development_key_is_marked_by_what_it_is_and_refused_off_a_dev_chain(
    store: Keystore,
) -> None:
    key = store.create("plain", development_seed("//Bob//stash"), SECRET, cost=CHEAP)
    assert key.file.development == "//Bob//stash"
    refuse_development_key(key.file, is_dev_chain=True)
    with pytest.raises(DevelopmentKeyError, match="secret is public"):
        refuse_development_key(key.file, is_dev_chain=False)
    refuse_development_key(create(store).file, is_dev_chain=False)


@pytest.mark.parametrize("text", ["", "00", "0x", "g" * 64, "0" * 63, "0" * 66])
def test_a_text_that_is_no_seed_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_seed(text)
    assert not text or text not in str(caught.value).split()


def test_a_passphrase_comes_from_file_then_environment_then_person(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "passphrase"
    path.write_text("of the file\nmore\n")
    path.chmod(0o600)
    monkeypatch.setenv(VARIABLE, "of the environment")
    assert find_passphrase(path, None) == "of the file"
    assert find_passphrase(None, lambda: "typed") == "of the environment"
    monkeypatch.delenv(VARIABLE)
    assert find_passphrase(None, lambda: "typed") == "typed"
    with pytest.raises(NoPassphraseError, match=VARIABLE):
        find_passphrase(None, None)
    with pytest.raises(NoPassphraseError):
        find_passphrase(None, lambda: "")


def test_a_passphrase_file_that_others_may_read_or_that_is_empty_is_refused(
    tmp_path: Path,
) -> None:
    path = tmp_path / "passphrase"
    path.write_text("\nsecond line")
    path.chmod(0o644)
    with pytest.raises(LoosePermissionsError):
        find_passphrase(path, None)
    path.chmod(0o600)
    with pytest.raises(NoPassphraseError, match="empty"):
        find_passphrase(path, None)
    path.write_bytes(b"\xff\xff")
    with pytest.raises(DamagedKeyError, match="UTF-8"):
        find_passphrase(path, None)
