"""Pulls from our test hub with the official client, to prove the test hub.

Ran on: Python 3.11, huggingface_hub 2.4.0.
Usage: go test -run TestInterop -v ./hub -python PATH_TO_PYTHON
       (it starts the server, sets HF_ENDPOINT and HF_HOME, and runs
       python interop.py MODEL_ID COMMIT DIRECTORY_WITH_THE_SAME_FILES)
"""

import hashlib
import os
import sys

import huggingface_hub as hf
from huggingface_hub.errors import EntryNotFoundError, RepositoryNotFoundError, RevisionNotFoundError

repo, commit, src = sys.argv[1:]
api = hf.HfApi()

info = api.model_info(repo)
assert info.sha == commit and info.id == repo, info
names = sorted(os.path.relpath(os.path.join(d, f), src) for d, _, fs in os.walk(src) for f in fs)
assert sorted(s.rfilename for s in info.siblings) == names, info.siblings

tree = {f.path: f for f in api.list_repo_tree(repo, recursive=True) if isinstance(f, hf.hf_api.RepoFile)}
assert sorted(tree) == names, tree
for name in names:
    with open(os.path.join(src, name), "rb") as f:
        data = f.read()
    git = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
    sha = hashlib.sha256(data).hexdigest()
    entry = tree[name]
    assert entry.size == len(data), name
    meta = hf.get_hf_file_metadata(hf.hf_hub_url(repo, name))
    assert meta.commit_hash == commit and meta.size == len(data), (name, meta)
    assert meta.etag == (sha if entry.lfs else git), (name, meta)
    if entry.lfs:
        assert entry.lfs.sha256 == sha, name
    else:
        assert entry.blob_id == git, name

local = hf.snapshot_download(repo)
assert os.path.basename(local) == commit, local
for name in names:
    with open(os.path.join(src, name), "rb") as a, open(os.path.join(local, name), "rb") as b:
        assert a.read() == b.read(), name

for error, call in (
    (RepositoryNotFoundError, lambda: api.model_info("acme/none")),
    (RevisionNotFoundError, lambda: api.model_info(repo, revision="none")),
    (EntryNotFoundError, lambda: hf.hf_hub_download(repo, "none")),
):
    try:
        call()
    except error:
        continue
    raise AssertionError(f"no {error.__name__}")
print(f"huggingface_hub {hf.__version__}: {len(names)} files equal")
