"""The words of failed pulls, as kubelets, containerd, CRI-O, Docker and Knative have said them."""

from __future__ import annotations

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.wait.image_pulls import cause_of, has_cause

REFUSED, AWAY, UNCLEAR = "image-refused", "registry-away", "image-unclear"
RESOLVE = 'failed to pull and unpack image "r.example/app:1": failed to resolve reference "r.example/app:1": '
HEAD = "unexpected status from HEAD request to https://r.example/v2/app/manifests/1: "
DIAL = 'failed to do request: Head "https://r.example/v2/app/manifests/1": '

MESSAGES = [
    # --- cannot change by themselves
    (REFUSED, f"rpc error: code = NotFound desc = {RESOLVE}r.example/app:1: not found"),
    (REFUSED, f'Back-off pulling image "r.example/app:1": ErrImagePull: rpc error: code = NotFound desc = {RESOLVE}'
              "r.example/app:1: not found"),
    (REFUSED, f'Failed to pull image "r.example/app:1": rpc error: code = Unknown desc = {RESOLVE}pull access denied, '
              "repository does not exist or may require authorization: server message: insufficient_scope: "
              "authorization failed"),
    (REFUSED, f"{RESOLVE}failed to authorize: failed to fetch anonymous token: unexpected status from GET request to "
              "https://auth.example/token?scope=repository%3Aapp%3Apull: 401 Unauthorized"),
    (REFUSED, f"{RESOLVE}{HEAD}403 Forbidden"),
    (REFUSED, f"{RESOLVE}{HEAD}400 Bad Request"),
    (REFUSED, 'Error response from daemon: manifest for app:none not found: manifest unknown: manifest unknown'),
    (REFUSED, 'Error response from daemon: Head "https://r.example/v2/app/manifests/1": no basic auth credentials'),
    (REFUSED, "Error response from daemon: unauthorized: authentication required"),
    (REFUSED, "reading manifest 1 in r.example/app: name unknown: repository name not known to registry"),
    (REFUSED, "requested access to the resource is denied"),
    (REFUSED, 'failed to pull and unpack image "r.example/app:1": no match for platform in manifest: not found'),
    (REFUSED, "no matching manifest for linux/arm64/v8 in the manifest list entries"),
    (REFUSED, "choosing an image from manifest list docker://app:1: no image found in manifest list for architecture "
              'arm64, variant "v8", OS linux'),
    (REFUSED, 'Failed to apply default image tag "r.example/App": couldn\'t parse image name "r.example/App": invalid '
              "reference format: repository name (App) must be lowercase"),
    (REFUSED, f"{RESOLVE}{DIAL}tls: failed to verify certificate: x509: certificate signed by unknown authority"),
    (REFUSED, f"{RESOLVE}{DIAL}http: server gave HTTP response to HTTPS client"),
    (REFUSED, 'Unable to fetch image "r.example/app:1": failed to resolve image to digest: HEAD '
              "https://r.example/v2/app/manifests/1: unexpected status code 404 Not Found (HEAD responses have no "
              "body, use GET for details)"),
    (REFUSED, 'Unable to fetch image "app": failed to resolve image to digest: GET https://r.example/v2/app/manifests/1'
              ": MANIFEST_UNKNOWN: manifest unknown; map[Tag:1]"),
    # --- pass
    (AWAY, f"rpc error: code = Unknown desc = {RESOLVE}{HEAD}503 Service Unavailable"),
    (AWAY, f'Back-off pulling image "r.example/app:1": ErrImagePull: rpc error: code = Unknown desc = {RESOLVE}{HEAD}'
           "503 Service Unavailable"),
    (AWAY, f"{RESOLVE}{HEAD}500 Internal Server Error"),
    (AWAY, f"{RESOLVE}{HEAD}502 Bad Gateway"),
    (AWAY, f"{RESOLVE}{HEAD}504 Gateway Timeout"),
    (AWAY, f"{RESOLVE}{HEAD}429 Too Many Requests"),
    (AWAY, "429 Too Many Requests - Server message: toomanyrequests: You have reached your unauthenticated pull rate "
           "limit. https://www.docker.com/increase-rate-limit"),
    (AWAY, "received unexpected HTTP status: 503 Service Unavailable"),
    (AWAY, f"{RESOLVE}{DIAL}dial tcp 192.0.2.1:443: connect: connection refused"),
    (AWAY, f"{RESOLVE}{DIAL}dial tcp 192.0.2.1:443: i/o timeout"),
    (AWAY, f"{RESOLVE}{DIAL}dial tcp: lookup r.example on 10.0.0.2:53: no such host"),
    (AWAY, f"{RESOLVE}{DIAL}dial tcp: lookup r.example on 10.0.0.2:53: server misbehaving"),
    (AWAY, f"{RESOLVE}{DIAL}dial tcp: lookup r.example: Temporary failure in name resolution"),
    (AWAY, f"{RESOLVE}{DIAL}net/http: TLS handshake timeout"),
    (AWAY, f"{RESOLVE}{DIAL}read tcp 192.0.2.9:1->192.0.2.1:443: read: connection reset by peer"),
    (AWAY, f"{RESOLVE}{DIAL}dial tcp 192.0.2.1:443: connect: no route to host"),
    (AWAY, f"{RESOLVE}{DIAL}EOF"),
    (AWAY, 'failed to copy: httpReadSeeker: failed open: failed to do request: Get "https://r.example/v2/app/blobs/'
           'sha256:0123": dial tcp 192.0.2.1:443: i/o timeout'),
    (AWAY, "failed to copy: httpReadSeeker: failed open: unexpected status from GET request to "
           "https://r.example/v2/app/blobs/sha256:0123: 503 Service Unavailable"),
    (AWAY, "failed to authorize: failed to fetch oauth token: unexpected status from POST request to "
           "https://auth.example/token: 503 Service Unavailable"),
    (AWAY, "failed to authorize: failed to fetch anonymous token: Get \"https://auth.example/token\": net/http: "
           "request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)"),
    (AWAY, "rpc error: code = DeadlineExceeded desc = context deadline exceeded"),
    (AWAY, "image pull failed for r.example/app:1 because the registry is unavailable: pinging container registry"),
    (AWAY, 'Unable to fetch image "r.example/app:1": failed to resolve image to digest: Get "https://r.example/v2/": '
           "dial tcp 192.0.2.1:443: connect: connection refused"),
    (AWAY, "pull QPS exceeded"),
    # --- neither
    (UNCLEAR, ""),
    (UNCLEAR, 'Back-off pulling image "r.example/app:1"'),
    (UNCLEAR, "failed to extract layer sha256:0123: write /var/lib/containerd/x: no space left on device"),
    # --- names that sound like causes
    (UNCLEAR, 'failed to pull image "r.example/denied:503": something else'),
    (AWAY, 'failed to resolve reference "r.example/not found/denied:404": unexpected status from HEAD request to '
           "https://r.example/v2/denied/manifests/404: 503 Service Unavailable"),
    (REFUSED, 'failed to resolve reference "r.example/app:503": r.example/app:503: not found'),
    (REFUSED, "unexpected status from HEAD request to https://r.example:5000/v2/timeout/manifests/500: 403 Forbidden"),
]  # fmt: skip


@pytest.mark.parametrize(("cause", "message"), MESSAGES)
def test_words_of_a_pull(cause: str, message: str) -> None:
    assert cause_of("ErrImagePull", message) == cause


@pytest.mark.parametrize(
    ("reason", "cause"),
    [
        ("ErrImageNeverPull", "image-never-pulled"),
        ("InvalidImageName", REFUSED),
        ("SignatureValidationFailed", REFUSED),
        ("RegistryUnavailable", AWAY),
        ("ImagePullBackOff", UNCLEAR),
    ],
)
def test_reasons_alone(reason: str, cause: str) -> None:
    assert cause_of(reason, "") == cause


def test_an_old_kubelet_puts_off_without_a_cause() -> None:
    assert not has_cause('Back-off pulling image "r.example/app:1"')
    assert not has_cause("")
    assert has_cause('Back-off pulling image "r.example/app:1": ErrImagePull: no')
