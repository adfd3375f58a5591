"""What runs on the simulated nodes: the life of pods, the end of Jobs, volumes, and the processes behind operators' images.

kwok keeps the nodes alive; everything about pods is decided here, in one process. kwok's stages could move pods from
state to state, but whether a container may start depends on other objects (Secrets, ConfigMaps, Services, a server's
configuration), which stages cannot read: two players on one pod would only have to be kept from each other's way.

No container runs. This cannot prove that an image exists or that a program in it starts.
"""
