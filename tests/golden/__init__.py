"""The golden record: every text that the panel shows, kept in the tree.

`make golden` renders one fixed fleet at one fixed moment, as each kind of person: pages, live
parts, forms that are refused, CSV, JSON, mails and the output of commands. A test compares what
is rendered now with `texts/`, so every changed sentence stands in a commit's diff.
"""
