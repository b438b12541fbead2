"""All scenarios of tests/e2e/faults by their names, and how many points of a day are for each."""

from fault_folders import Direct, Live
from fault_homes import Config, FolderAdd, Init, InitLocked, Join, Push, Rename, Rotate
from fault_relays import ComeBack, FoldersAtRelay, NewRelay, PullFromRelay, PushToRelay, RelayObjects, RelayStart, ServingRelay

# Of 300 points, how many are for each: fewer where several programs take their time for one.
SHARES = {
    "init": (Init, 25), "init-locked": (InitLocked, 2), "push": (Push, 46), "rename": (Rename, 30), "rotate": (Rotate, 30),
    "config": (Config, 20), "folder-add": (FolderAdd, 25), "relay-new": (NewRelay, 35), "relay-start": (RelayStart, 12),
    "join": (Join, 4), "direct": (Direct, 10), "live": (Live, 22), "push-relay": (PushToRelay, 10),
    "pull-relay": (PullFromRelay, 11), "relay": (ServingRelay, 10), "folder-relay": (FoldersAtRelay, 2),
    "relay-objects": (RelayObjects, 2), "come-back": (ComeBack, 4),
}
SCENARIOS = {name: scenario for name, (scenario, _) in SHARES.items()}
