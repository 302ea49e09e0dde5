//! What the programs of one lab have to know about each other: files, identities, ports.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::{Component, kwok};
use crate::control_plane::StartError;
use crate::folder::Folder;
use crate::options::Options;
use crate::pki::{self, Authority, Identity, IdentityFiles};
use crate::{https, kubeconfig, port};

/// Group of the ordinary user; bound to `cluster-admin`, yet not exempt from API priority and fairness.
pub(crate) const USER_GROUP: &str = "lab:admins";

/// Names under which kube-apiserver may be reached.
const API_SERVER_HOSTS: [&str; 6] =
    ["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "127.0.0.1", "10.96.0.1"];

/// Facts of one lab, made before its first process starts.
pub(crate) struct Setup {
    pub(crate) folder: Folder,
    pub(crate) options: Options,
    /// Talks as `admin` of `system:masters`.
    pub(crate) client: https::Client,
    authority: Identity,
    users: Vec<(&'static str, Identity)>,
    ports: BTreeMap<Component, u16>,
}

impl Setup {
    pub(crate) fn new(options: Options) -> Result<Self, StartError> {
        let folder = Folder::create()?;
        let authority = Authority::new()?;
        let pki = folder.pki();
        authority.identity().write(&pki, "ca")?;
        pki::write_service_account_keys(&pki)?;
        authority
            .sign("kube-apiserver", Some("system:masters"), &API_SERVER_HOSTS)?
            .write(&pki, "kube-apiserver")?;
        authority.sign("front-proxy-client", None, &[])?.write(&pki, "front-proxy")?;
        for server in ["etcd", "kube-controller-manager", "kube-scheduler"] {
            authority.sign(server, None, &["localhost", "127.0.0.1"])?.write(&pki, server)?;
        }
        let admin = authority.sign("admin", Some("system:masters"), &[])?;
        let client = https::Client::new(authority.identity(), &admin).map_err(StartError::Client)?;
        let users = vec![
            ("admin", admin),
            ("user", authority.sign("bench", Some(USER_GROUP), &[])?),
            ("kube-controller-manager", authority.sign("system:kube-controller-manager", None, &[])?),
            ("kube-scheduler", authority.sign("system:kube-scheduler", None, &[])?),
            ("kwok", authority.sign("kwok", Some("system:masters"), &[])?),
        ];
        let mut setup = Self {
            folder,
            options,
            client,
            authority: authority.identity().clone(),
            users,
            ports: BTreeMap::new(),
        };
        for component in setup.components() {
            setup.take_port(component).map_err(StartError::Port)?;
        }
        kwok::write_config(&setup)?;
        setup.write_kubeconfigs()?;
        Ok(setup)
    }

    /// Components to run, in the order of their start.
    pub(crate) fn components(&self) -> Vec<Component> {
        let mut components =
            vec![Component::Etcd, Component::ApiServer, Component::ControllerManager, Component::Scheduler];
        if self.options.nodes > 0 {
            components.push(Component::Kwok);
        }
        components
    }

    /// Chooses a (new) port for a component; whoever has to know it is told by [`Self::write_kubeconfigs`].
    pub(crate) fn take_port(&mut self, component: Component) -> io::Result<()> {
        self.ports.insert(component, port::free()?);
        Ok(())
    }

    /// Port of a component; 0 if it is not part of this lab.
    pub(crate) fn port(&self, component: Component) -> u16 {
        self.ports.get(&component).copied().unwrap_or_default()
    }

    pub(crate) fn address(&self, component: Component) -> SocketAddr {
        port::loopback(self.port(component))
    }

    /// Whether a component answers `path` with 200 over TLS.
    pub(crate) fn answers(&self, component: Component, path: &str) -> bool {
        self.client.get(self.address(component), path).is_ok_and(|answer| answer.status == 200)
    }

    /// Paths of the certificate and key that were written under `name`.
    pub(crate) fn identity(&self, name: &str) -> IdentityFiles {
        let pki = self.folder.pki();
        IdentityFiles { certificate: pki.join(format!("{name}.crt")), key: pki.join(format!("{name}.key")) }
    }

    /// Path of a file in the certificate folder.
    pub(crate) fn pki_file(&self, name: &str) -> PathBuf {
        self.folder.pki().join(name)
    }

    /// Path of the kubeconfig of `admin`, `user` or a component.
    pub(crate) fn kubeconfig(&self, user: &str) -> PathBuf {
        self.folder.path().join(format!("{user}.kubeconfig"))
    }

    /// Writes all kubeconfigs for the current port of kube-apiserver.
    pub(crate) fn write_kubeconfigs(&self) -> Result<(), StartError> {
        let port = self.port(Component::ApiServer);
        for (user, identity) in &self.users {
            let text = kubeconfig::text(port, &self.authority, user, identity);
            pki::write_private(&self.kubeconfig(user), &text)?;
        }
        Ok(())
    }
}

/// `--name=path`.
pub(crate) fn path_flag(name: &str, path: &Path) -> String {
    format!("--{name}={}", path.display())
}
