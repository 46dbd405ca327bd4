"""``sp_io::{offchain, offchain_index}``: a dev chain runs no offchain workers."""

from chain.devchain.host.registry import Host, host_function, unavailable

unavailable(
    "offchain",
    "is_validator submit_transaction network_state timestamp sleep_until random_seed"
    " local_storage_set local_storage_clear local_storage_compare_and_set local_storage_get"
    " http_request_start http_request_add_header http_request_write_body http_response_wait"
    " http_response_headers http_response_read_body set_authorized_nodes",
    "a dev chain runs no offchain workers; call it from an offchain worker on a real node",
)


@host_function("offchain_index_set")
def index_set(_host: Host, _key: int, _value: int) -> None:
    """Drop it, as a node does that was started without offchain indexing."""


@host_function("offchain_index_clear")
def index_clear(_host: Host, _key: int) -> None:
    """Drop it, as above."""
