"""How twelve kinds of registries answer where they differ, each from documentation, source or public reports.

Sizes are those of tests: LIMIT stands for the 4 MiB of ghcr.io and the 1 MiB of nginx.
"""

from __future__ import annotations

from dataclasses import dataclass

LIMIT = 6000
PASSWORD = "kind-canary-52a8"


@dataclass(frozen=True)
class Kind:
    """What a registry does otherwise than the specification's plainest one.

    `challenges` are the headers of a 401, with HOST and SCOPE, none for a registry that is open; `hidden` is what
    strangers get instead of it for reads. `scopes` says which scopes of a request a token holds, `shortened` whether a
    repository's first part is left out of them. `redirect` sends reads of blobs to a storage, by an address that is
    signed for GET alone if it is "signed". `patch` is the status that refuses chunks (0: they are taken), `largest` and
    `smallest` bound the bytes of one request, `least` is told beforehand, `accepted` answers a chunk, `kept` bytes of a
    chunk that breaks off stay. `status` is what an upload tells of its bytes: all, none, "stuck" at the first chunk, or
    one too many. `location` is the form of upload addresses. `mount` answers a mount that is allowed, `ranges` says
    whether parts of a blob are sent.
    """

    challenges: tuple[str, ...] = ()
    username: str = "robot"
    hidden: int = 401
    ping: int = 401
    realm: str = "/token"
    token_keys: tuple[str, ...] = ("token",)
    grant: str = "GET"
    scopes: str = "all"
    shortened: bool = False
    head_manifest: int = 200
    redirect: str = ""
    patch: int = 0
    whole: bool = True
    largest: int = 0
    too_large: int = 413
    smallest: int = 0
    least: int = 0
    kept: int = 0
    accepted: int = 202
    status: str = "all"
    location: str = "absolute"
    forgets: bool = False
    mount: int = 201
    sparse: bool = False
    digest_header: bool = True
    accept_elsewhere: bool = True
    pull_limit: str = ""
    ranges: bool = True


_BEARER = 'Bearer realm="http://HOST{}",service="{}",scope="SCOPE"'

KINDS = {
    # Tokens for what is asked, 401 for a mount whose source is not in them: goharbor/harbor#17097; state in the
    # query of uploads: goharbor/harbor#19787
    "harbor": Kind(
        (_BEARER.format("/service/token", "harbor-registry"),),
        realm="/service/token",
        token_keys=("token", "access_token"),
        location="query",
    ),
    # HEAD of manifests 404: crazy-max/diun#1614; its Basic in capitals; an index with all it points to, else 400:
    # estesp/manifest-tool#190; no mounts
    "nexus": Kind(
        ('BASIC realm="Sonatype Nexus Repository Manager"',), head_manifest=404, mount=202, location="relative"
    ),
    # The last of several scopes: estesp/manifest-tool#53; reads of blobs by addresses signed for GET: moby/moby#50065
    "gitlab": Kind(
        (_BEARER.format("/jwt/auth", "container_registry"),), realm="/jwt/auth", scopes="last", redirect="signed"
    ),
    # 404 for strangers: containerd#3291; an example as scope of /v2/; 4 MiB a request: ocx-sh/ocx#237
    "ghcr": Kind(
        (_BEARER.format("/token", "ghcr.io"),), hidden=404, largest=LIMIT, too_large=416, mount=202, sparse=True
    ),
    # No chunks, addresses of another path: podman-container-tools/skopeo#1101, cloud.google.com/artifact-registry,
    # "Docker API"; a challenge without scope; the user of a key: its "Docker authentication"
    "artifact-registry": Kind(
        ('Bearer realm="http://HOST/v2/token",service="us-docker.pkg.dev"',),
        username="_json_key",
        realm="/v2/token",
        patch=400,
        location="relative",
        redirect="plain",
        sparse=True,
    ),
    # A refresh token by POST: Azure/acr docs/AAD-OAuth.md; access_token alone; an upload is lost when it breaks:
    # Azure/azure-sdk-for-js#25448; reads of blobs from storage with sig=
    "acr": Kind(
        (_BEARER.format("/oauth2/token", "registry"),),
        username="00000000-0000-0000-0000-000000000000",
        realm="/oauth2/token",
        token_keys=("access_token",),
        grant="refresh_token",
        location="query",
        forgets=True,
        status="none",
        redirect="plain",
    ),
    # Basic with service, user AWS: NVIDIA/enroot#59; 201 for chunks: openai/tart#273; the Range stays behind:
    # aws/containers-roadmap#2831; parts of 5 MiB: dotnet/sdk-container-builds#424; mounts 202: containers-roadmap#2860
    "ecr": Kind(
        ('Basic realm="https://HOST/",service="ecr.amazonaws.com"',),
        username="AWS",
        accepted=201,
        status="stuck",
        smallest=LIMIT,
        mount=202,
        redirect="signed",
        sparse=True,
    ),
    # Realm /v2/auth: quay/claircore#879; one byte too many, "bytes=", 302 to storage: quay/quay endpoints/v2/blob.py;
    # no scope in the challenge: OctopusDeploy/Issues#5076
    "quay": Kind(
        ('Bearer realm="http://HOST/v2/auth",service="quay.io"',),
        realm="/v2/auth",
        status="one more",
        redirect="plain",
        mount=202,
    ),
    # Open /v2/, 401 for writes alone: project-zot/zot#3538; 403 for reads: zot#1727; its Range: regclient#961
    "zot": Kind(('Basic realm="zot"',), hidden=403, ping=200, status="none", location="relative", sparse=True),
    # Both scopes for a mount: oras-project/rust-oci-client#235; limits: docs.docker.com "Pull usage and limits"
    "docker-hub": Kind(
        (_BEARER.format("/auth/token", "registry.docker.io"),),
        realm="/auth/token",
        token_keys=("token", "access_token"),
        redirect="plain",
        pull_limit="100;w=21600",
        location="query",
    ),
    # Behind nginx: Negotiate and Basic in two headers: google/go-containerregistry#1075; 1 MiB a request; without
    # X-Forwarded-Proto it names itself otherwise; an index with all it points to: distribution-spec#310
    "distribution": Kind(("Negotiate", 'Basic realm="registry"'), largest=LIMIT, location="query", digest_header=False),
    # Both challenges in one header; its scopes leave the repository key out: containerd#6339; wants PATCH:
    # containerd#3533; no Accept where it is not needed: dotnet/sdk-container-builds#382
    "artifactory": Kind(
        (_BEARER.format("/artifactory/api/docker/v2/token", "HOST") + ', Basic realm="Artifactory Realm"',),
        realm="/artifactory/api/docker/v2/token",
        shortened=True,
        whole=False,
        mount=405,
        accept_elsewhere=False,
        sparse=True,
    ),
}
