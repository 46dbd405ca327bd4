"""Every workaround for py-libp2p 0.8.1, one module a layer.

Each module says at its top what the library does and why that is wrong for us, and each point has a
test in ``tests/integration/p2p/test_hardening.py`` that shows the library as it comes failing, beside
ours passing: where an upgrade mends one, that test says so, and the workaround can go. Outside of
this folder nothing knows that the library has faults.

Most are subclasses given to the library's own constructors. Set for the whole process are only: the
DHT's protocol name, sizes and record check (copied into five modules), the service manager's search for a parent
task, how a line of multistream-select is read, and where the library's log goes.
"""
