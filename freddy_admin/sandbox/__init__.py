"""An imitation of the Aitronos API on loopback, for the demo and the tests.

Written from the API page, not from our client, so that a misreading there is not repeated here.
It imports no room and no Django; production code never imports it.
"""
