"""A whole market on this machine: a chain and several nodes, each a process of its own, with faults on demand.

::

    up (control) -> supervisor (daemon) --pipe-- parent (forking) --fork-- chain, n1, n2, ...
                         |
                     control.sock (serving, client): status, kill, start, freeze, partition, heal

The parent imports everything once and forks; it has neither threads nor a loop. Each process ends with the one to
its left, however that ends. Files lie as :mod:`home` says; :mod:`plan` says who is there, with which keys and agents;
:mod:`programs` is what the processes run.
"""
