"""The shell: the only place where trio, libp2p, disk, HTTP and processes meet."""
