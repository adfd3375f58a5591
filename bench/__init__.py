"""`make bench`: what this project claims about its speed and size, measured in one run and told as ratios.

Seconds and MiB differ between machines, so each figure stands over another that was measured beside it, on the same
machine and in turn with it. The command that produced a figure is printed with it.

    measure    runs a command and says what it cost
    subjects   the commands: what is measured runs in a process of its own
    instances  a program with any number of W&B installations in it
    rehearsed  preview and up on the real engine
    figures    figures, and how they are told
"""
