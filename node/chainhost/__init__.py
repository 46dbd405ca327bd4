"""Dev chains as processes: started, found again, spoken to and stopped by ``ainur chain``.

A chain has a folder (:mod:`home`). While it runs, its process holds a lock there (:mod:`lock`) and has written down
where it is reached (:mod:`record`); :mod:`control` starts and stops it, :mod:`daemon` is what the process does, and
:mod:`backend` names the chains that it can run. Commands speak to it by :mod:`client`, with imports that cost
nothing.
"""
