"""From bytes to the domain and back, without a socket.

Each operation is an *exchange*: a generator that yields a ``Request``, is sent the ``Reply``, and returns a
value (:mod:`pro2_reconciliation.wire.exchange`). The same exchange is driven by a synchronous hook on a
worker, by an asynchronous one in the triggerer, and by a test client in process.
"""
