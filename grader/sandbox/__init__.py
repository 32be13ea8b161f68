"""Student code runs here, in a process of its own; the trusted side sees plain data only.

`grader.sandbox.host` is the trusted side, `grader.sandbox.worker` the other one, `grader.sandbox.protocol`
the frames between them. Replies are the values of `grader.sandbox.replies`.
"""
