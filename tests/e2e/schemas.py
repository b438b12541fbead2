"""The schemas themselves: each takes a sample of what it describes, and refuses it with a field more, less or wrong."""

import copy
import json
import unittest

import jsonschema
from kith_e2e import SCHEMA_DIR, VALIDATORS, check_schema

ID = "ab" * 32
FOLDER_ID = "cd" * 16
AT = "2026-11-21T14:03:12Z"
NAMED = {"id": ID, "name": "laptop"}
DEVICE = {"id": ID, "name": "laptop", "self": True, "state": "active", "path": "self", "endpoint": None, "last_seen_at": None}
AMOUNT = {"files": 3, "size_bytes": 4096}
REMEDY = [{"command": "kith doctor", "explanation": "check this device"}]

SAMPLES = [
    {"schema": "kith.version/1", "version": "0.1.0", "protocol": {"min": 1, "max": 1}, "key_file": 1,
     "libraries": {"libsodium": "1.0.18", "openssl": "3.0.22"}},
    {"schema": "kith.help/1", "topic": None, "text": "kith"},
    {"schema": "kith.config/1", "file": "/c", "exists": True,
     "values": [{"key": "defaults.trash_days", "value": 30, "origin": "config", "source": "/c"}],
     "problems": [{"code": "config-unknown-key", "message": "m", "source": "/c", "line": 1, "column": 2, "key": "a",
                   "nearest": None}]},
    {"schema": "kith.error/1", "type": "error", "code": "disk-full", "exit": 14, "message": "m", "cause": None, "safe": True,
     "remedy": REMEDY},
    {"schema": "kith.error/1", "type": "warning", "code": "config-shadowed", "message": "m"},
    {"schema": "kith.init/1", "group": NAMED, "device": DEVICE, "recovery": "shown"},
    {"schema": "kith.recover/1", "group": NAMED, "device": DEVICE, "kept": [NAMED], "removed": [NAMED], "messages": 7,
     "folders": [{"id": FOLDER_ID, "name": "photos", "files": 3, "size_bytes": 4096, "missing_files": 1, "missing_bytes": 9}],
     "missing_entries": 0,
     "relays": [{"url": "wss://r", "recovered": True, "error_code": None},
                {"url": "wss://s", "recovered": False, "error_code": "relay-unreachable"}], "safe": True},
    {"schema": "kith.pair/1", "type": "invite", "invite_id": "00ff", "code": "7F3K-9QDM-2XHB-T6WP", "link": None,
     "addresses": ["192.168.1.20:7427"], "relays": [], "expires_at": AT},
    {"schema": "kith.pair/1", "type": "request", "device": NAMED, "path": "direct", "endpoint": None},
    {"schema": "kith.pair/1", "type": "wrong_code", "tries_left": 2},
    {"schema": "kith.pair/1", "type": "waiting", "inviter": NAMED},
    {"schema": "kith.pair/1", "type": "joined", "group": NAMED, "device": DEVICE},
    {"schema": "kith.pair/1", "type": "joined", "group": NAMED, "device": DEVICE, "inviter": DEVICE, "relays": [],
     "folders": [{"id": FOLDER_ID, "name": "photos", "files": 5110, "size_bytes": 2040109465}]},
    {"schema": "kith.pair/1", "type": "denied"},
    {"schema": "kith.pair/1", "type": "expired"},
    {"schema": "kith.pair/1", "type": "cancelled"},
    {"schema": "kith.devices/1", "group": NAMED, "devices": [DEVICE]},
    {"schema": "kith.key/1", "recovery_fingerprint": "7F3K-9QDM-2XHB-T6WP", "epoch": FOLDER_ID},
    {"schema": "kith.push/1", "items": [{"id": ID + ":0", "cursor": 42, "topic": "default", "size_bytes": 12, "state": "safe",
                                         "safe_at": [{"kind": "device", "name": "laptop"}], "seen_by": [ID]}]},
    {"schema": "kith.pull/1", "type": "item", "cursor": 42, "id": ID + ":0", "author": NAMED, "topic": "default",
     "written_at": AT, "size_bytes": 2, "text": "hi", "data_b64": None},
    {"schema": "kith.pull/1", "type": "item", "cursor": 43, "id": ID + ":1", "author": NAMED, "topic": "default",
     "written_at": AT, "size_bytes": 1, "text": None, "data_b64": "/w=="},
    {"schema": "kith.pull/1", "type": "summary", "items": 2, "next_after": 43, "reached": ["device:laptop"]},
    {"schema": "kith.sync/1", "type": "summary", "dry_run": False, "in_sync": True,
     "folder": {"id": FOLDER_ID, "name": "photos", "path": "/p"}, "sent": AMOUNT, "received": AMOUNT,
     "deleted": {"here": 0, "there": 1}, "conflicts": [{"path": "a", "copy": "a.conflict-20261121-140312-abababa"}],
     "skipped": [{"path": "b", "code": "not-utf8"}], "skipped_total": 1, "pending": AMOUNT,
     "devices": [{"id": ID, "name": "laptop", "path": "direct", "in_sync": None, "held": 0}],
     "relays": [{"url": "wss://r", "has_all": True}], "wall_s": 1.2},
    {"schema": "kith.status/1", "state": "synced", "group": NAMED, "self": DEVICE,
     "running": {"pid": 1, "command": "kith sync", "since_at": AT},
     "folders": [{"id": FOLDER_ID, "name": "photos", "path": "/p", "state": "synced", "watched": True, "last_scan_at": AT,
                  "files": 1, "size_bytes": 2, "pending_files": 0, "pending_bytes": 0, "conflicts": 0,
                  "skipped": {"total": 2, "codes": [{"code": "symlink", "files": 2}],
                              "items": [{"path": "a", "code": "symlink"}]}}],
     "messages": {"last_cursor": 52, "read_cursor": 50, "pending": 2},
     "devices": [{**DEVICE, "in_sync": None, "held": 0, "folders": [FOLDER_ID]}],
     "relays": [{"url": "wss://r", "connected": False, "has_all": True, "last_error_code": "relay-unreachable",
                 "last_error_at": AT, "error_since_at": AT}],
     "changes": {"only_here": 0, "contents_elsewhere": True},
     "problems": [{"code": "mass-delete", "message": "m", "safe": True, "remedy": REMEDY},
                  {"code": "said-removed", "message": "m", "safe": True, "remedy": REMEDY}]},
    {"schema": "kith.verify/1", "result": "unverified", "checked_at": AT, "heads": ID, "files_checked": 3,
     "files_mismatched": [],
     "folders_unread": [{"id": FOLDER_ID, "name": "photos", "path": "/p", "code": "folder-unmounted"}], "pending": AMOUNT,
     "devices": [
         {"id": ID, "name": "laptop", "reached": True, "result": "identical", "heads": ID,
          "views": {"roster": ID, "messages": ID, "folders": ID}, "missing_entries": 0, "differs": []},
         {"id": ID, "name": "phone", "reached": False, "result": "unreachable", "heads": None, "views": None,
          "missing_entries": None, "differs": []}],
     "relays": [{"url": "wss://r", "reached": True, "result": "incomplete", "missing_entries": 2,
                 "last_error_code": "relay-quota"},
                {"url": "wss://s", "reached": False, "result": "unreachable", "missing_entries": None,
                 "last_error_code": None}]},
    {"schema": "kith.relays/1", "words_lead_there": None,
     "relays": [{"url": "wss://r", "connected": True, "has_all": False, "last_error_code": None,
                 "last_error_at": None, "error_since_at": None, "address": "wss://r/#key=AAAA", "key": ID}]},
    {"schema": "kith.relay-test/1",
     "relays": [{"url": "wss://r", "reached": True, "key": ID, "pinned": True, "took_s": 0.012, "error_code": None},
                {"url": "wss://s", "reached": False, "key": None, "pinned": False, "took_s": None,
                 "error_code": "relay-unreachable"}]},
    {"schema": "kith.doctor/1", "checks": [{"id": "home", "result": "ok", "message": "m", "remedy": []}]},
]


def objects(value, path=()):
    """Every object in a sample, with the way to it."""
    if isinstance(value, dict):
        yield path
        for key, each in value.items():
            yield from objects(each, path + (key,))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from objects(each, path + (index,))


def changed(sample, path, change):
    copied = copy.deepcopy(sample)
    at = copied
    for step in path:
        at = at[step]
    change(at)
    return copied


class Schemas(unittest.TestCase):
    def test_files_are_schemas_and_named_after_what_they_describe(self):
        files = sorted(SCHEMA_DIR.glob("*.json"))
        self.assertGreaterEqual(len(files), 14)
        for path in files:
            schema = json.loads(path.read_text())
            jsonschema.Draft202012Validator.check_schema(schema)
            self.assertEqual(schema["title"].replace("/", ".") + ".json", path.name)
            self.assertIn("description", schema)

    def test_every_schema_has_a_sample_that_it_takes(self):
        for sample in SAMPLES:
            check_schema(sample)
        self.assertEqual({sample["schema"] for sample in SAMPLES} | {"common"}, set(VALIDATORS))

    def test_fields_that_are_not_written_down_are_noticed(self):
        for sample in SAMPLES:
            for path in objects(sample):
                with self.subTest(schema=sample["schema"], type=sample.get("type"), path=path):
                    self.assertRaises(AssertionError, check_schema, changed(sample, path, lambda at: at.update(surprise=1)))

    def test_missing_fields_are_noticed(self):
        count = 0
        for sample in SAMPLES:
            for path in objects(sample):
                at = sample
                for step in path:
                    at = at[step]
                for field in at:
                    with self.subTest(schema=sample["schema"], type=sample.get("type"), path=path, field=field):
                        self.assertRaises(AssertionError, check_schema, changed(sample, path, lambda at, f=field: at.pop(f)))
                    count += 1
        self.assertGreater(count, 200)

    def test_wrong_values_are_noticed(self):
        def refuse(schema, path, value):
            sample = next(each for each in SAMPLES if each["schema"] == schema)
            with self.subTest(schema=schema, path=path, value=value):
                broken = changed(sample, path[:-1], lambda at: at.update({path[-1]: value}))
                self.assertRaises(AssertionError, check_schema, broken)
        refuse("kith.version/1", ("version",), "0.1")
        refuse("kith.version/1", ("protocol", "min"), "1")
        refuse("kith.error/1", ("code",), "Disk_Full")
        refuse("kith.error/1", ("exit",), 0)
        refuse("kith.error/1", ("remedy",), ["kith doctor"])
        refuse("kith.config/1", ("values", 0, "origin"), "elsewhere")
        refuse("kith.config/1", ("problems", 0, "line"), 0)
        refuse("kith.devices/1", ("devices", 0, "id"), ID.upper())
        refuse("kith.devices/1", ("devices", 0, "id"), "abcd")
        refuse("kith.devices/1", ("devices", 0, "path"), "warp")
        refuse("kith.devices/1", ("devices", 0, "last_seen_at"), "2026-11-21 14:03:12")
        refuse("kith.devices/1", ("devices", 0, "last_seen_at"), "2026-11-21T14:03:12+01:00")
        refuse("kith.push/1", ("items", 0, "cursor"), 2**53)
        refuse("kith.push/1", ("items", 0, "cursor"), -1)
        refuse("kith.push/1", ("items", 0, "id"), ID)
        refuse("kith.pull/1", ("data_b64",), "aGk=")
        refuse("kith.pull/1", ("text",), None)
        refuse("kith.key/1", ("recovery_fingerprint",), "7F3K-9QDM-2XHB-T6WU")
        refuse("kith.verify/1", ("result",), "fine")
        refuse("kith.verify/1", ("relays", 0, "result"), "fine")
        refuse("kith.relays/1", ("relays", 0, "key"), "wss://r")
        refuse("kith.relay-test/1", ("relays", 0, "took_s"), -1)
        refuse("kith.doctor/1", ("checks", 0, "result"), "good")
        self.assertRaises(AssertionError, check_schema, {"schema": "kith.nothing/1"})
        self.assertRaises(AssertionError, check_schema, {"schema": "common"})
        self.assertRaises(AssertionError, check_schema, ["kith.version/1"])


if __name__ == "__main__":
    unittest.main()
