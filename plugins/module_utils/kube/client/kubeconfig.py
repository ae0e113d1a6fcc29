# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a kubeconfig and a context to an HTTP pool with TLS and credentials, by the kubernetes package.

The kubernetes package writes client keys to temporary files. They are read into the TLS context at once and removed,
because a worker process of Ansible does not run exit handlers.
"""

from __future__ import annotations

import os
import ssl
import stat
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import ClusterError

try:
    from kubernetes.client import Configuration
    from kubernetes.client.rest import RESTClientObject
    from kubernetes.config import ConfigException, kube_config
    from kubernetes.config.kube_config import KubeConfigMerger, load_kube_config

    IMPORT_ERROR: str | None = None
except ImportError as error:
    IMPORT_ERROR = str(error)


@dataclass
class Connection:
    """An HTTP pool for one API server.

    `authorization()` gives the header value (None with client certificates); `warnings` are for the user.
    """

    server: str
    pool: Any
    configuration: Any
    warnings: list[str] = field(default_factory=list)

    def authorization(self) -> str | None:
        settings = self.configuration.auth_settings()
        bearer = settings.get("BearerToken")
        return bearer["value"] if bearer else None


def kubeconfig_location(kubeconfig: str | None) -> str:
    """The kubeconfig path or path list to use: the argument, else KUBECONFIG, else ~/.kube/config."""
    return os.path.expanduser(kubeconfig or os.environ.get("KUBECONFIG") or "~/.kube/config")


def connect(context: str, kubeconfig: str | None, pool_size: int) -> Connection:
    """Open a pool of `pool_size` connections for `context`; no request is made yet. Raises ClusterError."""
    if IMPORT_ERROR:
        raise ClusterError(
            f"the Python package 'kubernetes' is missing on the controller ({IMPORT_ERROR}); "
            "install the collection's requirements: pip install -r requirements.txt"
        )
    location = kubeconfig_location(kubeconfig)
    _require_context(context, location)
    configuration = Configuration()
    with tempfile.TemporaryDirectory(prefix="serverless-") as private:
        try:
            load_kube_config(
                config_file=location,
                context=context,
                client_configuration=configuration,
                persist_config=False,
                temp_file_path=private,
            )
            tls = _tls_context(configuration)
        except (ConfigException, OSError, ValueError, ssl.SSLError) as error:
            raise ClusterError(f"context '{context}' of {location} cannot be used: {error}") from error
        finally:
            # The package remembers the files by their content and would look for them in a second connection.
            kube_config._cleanup_temp_files()
    configuration.connection_pool_maxsize = pool_size
    configuration.ssl_ca_cert = configuration.cert_file = configuration.key_file = None
    pool = RESTClientObject(configuration).pool_manager
    pool.connection_pool_kw["ssl_context"] = tls
    return Connection(configuration.host.rstrip("/"), pool, configuration, _warnings(configuration, location))


def _tls_context(configuration: Any) -> ssl.SSLContext:
    tls = ssl.create_default_context(cafile=configuration.ssl_ca_cert or None)
    # Clusters made by older tools have CA certificates without the extensions that strict mode of Python 3.13 wants.
    tls.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)
    if not configuration.verify_ssl:
        tls.check_hostname = False
        tls.verify_mode = ssl.CERT_NONE
    if configuration.cert_file:
        tls.load_cert_chain(configuration.cert_file, configuration.key_file)
    return tls


def _require_context(context: str, location: str) -> None:
    files = [Path(part) for part in location.split(os.pathsep) if part]
    if not any(file.is_file() for file in files):
        raise ClusterError(
            f"no kubeconfig at {location}; name one with the option kubeconfig or the variable KUBECONFIG"
        )
    try:
        config = KubeConfigMerger(location).config
        names = sorted(entry.value["name"] for entry in config["contexts"]) if config and "contexts" in config else []
    except Exception as error:  # the package lets YAML and OS errors of many kinds through
        raise ClusterError(f"the kubeconfig {location} cannot be read: {error}") from error
    if context not in names:
        known = ", ".join(names) or "none"
        raise ClusterError(f"there is no context '{context}' in {location}; contexts there: {known}")


def _warnings(configuration: Any, location: str) -> list[str]:
    found = []
    if not configuration.verify_ssl:
        found.append(f"{configuration.host}: the kubeconfig turns TLS verification off (insecure-skip-tls-verify)")
    for part in location.split(os.pathsep):
        try:
            mode = os.stat(part).st_mode
        except OSError:
            continue
        if mode & (stat.S_IRGRP | stat.S_IROTH | stat.S_IWGRP | stat.S_IWOTH):
            found.append(f"{part} can be read or written by others; chmod 600 {part}")
    return found
