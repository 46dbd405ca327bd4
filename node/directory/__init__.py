"""The directory, fed: by gossip, by peers that know what we lack, and by ourselves.

``service.py`` is the way in; ``announcer.py`` says what this node can do, ``sync.py`` asks peers for what they
have and answers them, ``wire.py`` is what travels then. The rules are :mod:`routing.directory`'s.
"""
