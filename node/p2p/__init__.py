"""The network: peers that find each other, talk, and cannot be brought down by one of them.

:func:`node.p2p.network.open_network` is the way in; bytes in, bytes out.

| module | what |
|---|---|
| `network`, `config`, `errors` | the interface, its bounds, its errors |
| `gossip`, `requests`, `dht` | topics; questions and answers; the DHT |
| `scoring` | how peers are judged (pure) |
| `messages`, `blobs` | the market's messages in envelopes; what is too large for one |
| `bootstrap`, `peerbook`, `mdns` | the first peers, and those of last time |
| `reach` | relays, AutoNAT, hole punching |
| `keepalive`, `trimming` | the silent are dropped; the least useful, when there are too many |
| `addresses`, `framing`, `hostbuild` | multiaddrs; frames; the library's parts put together |
| `hardening/` | every workaround for the library, one module a layer |

Importing this costs two seconds: nothing that a thin command needs may do so at its top.
"""
