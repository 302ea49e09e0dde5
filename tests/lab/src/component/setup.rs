//! What the programs of one lab have to know about each other: files, identities, ports.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use super::{Component, kwok};
use crate::addons::{csi, metrics, snapshots};
use crate::control_plane::StartError;
use crate::folder::Folder;
use crate::network::Network;
use crate::options::Options;
use crate::pki::{self, Authority, Identity, IdentityFiles};
use crate::{https, kubeconfig, node, port};

/// Group of the ordinary user; bound to `cluster-admin`, yet not exempt from API priority and fairness.
pub(crate) const USER_GROUP: &str = "lab:admins";

/// Names under which kube-apiserver may be reached.
const API_SERVER_HOSTS: [&str; 6] =
    ["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "127.0.0.1", "10.96.0.1"];

/// Where a lab's programs are.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Site {
    /// On 127.0.0.1, among all other programs of the machine.
    Loopback,
    /// In a network of the lab's own, with room for real nodes.
    Own {
        /// That network.
        network: Network,
        /// Real nodes, counted from 1.
        nodes: u8,
    },
}

impl Site {
    fn host(self) -> Ipv4Addr {
        match self {
            Self::Loopback => Ipv4Addr::LOCALHOST,
            Self::Own { network, .. } => network.host(),
        }
    }
}

/// Facts of one lab, made before its first process starts.
pub(crate) struct Setup {
    pub(crate) folder: Folder,
    pub(crate) options: Options,
    pub(crate) site: Site,
    /// Talks as `admin` of `system:masters`.
    pub(crate) client: https::Client,
    authority: Identity,
    users: Vec<(String, Identity)>,
    ports: BTreeMap<Component, u16>,
}

impl Setup {
    pub(crate) fn new(folder: Folder, options: Options, site: Site) -> Result<Self, StartError> {
        let host = site.host().to_string();
        let authority = Authority::new()?;
        let pki = folder.pki();
        authority.identity().write(&pki, "ca")?;
        pki::write_service_account_keys(&pki)?;
        let hosts: Vec<&str> = API_SERVER_HOSTS.into_iter().chain([host.as_str()]).collect();
        authority.sign("kube-apiserver", Some("system:masters"), &hosts)?.write(&pki, "kube-apiserver")?;
        authority.sign("front-proxy-client", None, &[])?.write(&pki, "front-proxy")?;
        for server in ["etcd", "kube-controller-manager", "kube-scheduler"] {
            authority.sign(server, None, &["localhost", "127.0.0.1", &host])?.write(&pki, server)?;
        }
        let admin = authority.sign("admin", Some("system:masters"), &[])?;
        let client = https::Client::new(authority.identity(), &admin).map_err(StartError::Client)?;
        let mut users = vec![
            ("admin".to_owned(), admin),
            ("user".to_owned(), authority.sign("bench", Some(USER_GROUP), &[])?),
            (
                "kube-controller-manager".to_owned(),
                authority.sign("system:kube-controller-manager", None, &[])?,
            ),
            ("kube-scheduler".to_owned(), authority.sign("system:kube-scheduler", None, &[])?),
            ("kwok".to_owned(), authority.sign("kwok", Some("system:masters"), &[])?),
        ];
        if let Site::Own { network, nodes } = site {
            users.extend(node_users(&authority, &pki, network, nodes)?);
        }
        let mut setup = Self {
            folder,
            options,
            site,
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
        // With real nodes kwok always runs: fake ones can be added to them at any time.
        if self.options.nodes > 0 || matches!(self.site, Site::Own { .. }) {
            components.push(Component::Kwok);
        }
        components
    }

    /// Chooses a (new) port for a component; whoever has to know it is told by [`Self::write_kubeconfigs`].
    pub(crate) fn take_port(&mut self, component: Component) -> io::Result<()> {
        let port = match self.site {
            Site::Loopback => port::free()?,
            // Nobody else is in that network.
            Site::Own { .. } => component.usual_port(),
        };
        self.ports.insert(component, port);
        Ok(())
    }

    /// Port of a component; 0 if it is not part of this lab.
    pub(crate) fn port(&self, component: Component) -> u16 {
        self.ports.get(&component).copied().unwrap_or_default()
    }

    pub(crate) fn address(&self, component: Component) -> SocketAddr {
        SocketAddr::from((self.site.host(), self.port(component)))
    }

    /// Whether a component answers `path` with 200 over TLS.
    pub(crate) fn answers(&self, component: Component, path: &str) -> bool {
        self.client.get(self.address(component), path).is_ok_and(|answer| answer.status == 200)
    }

    /// The authority's certificate, as PEM.
    pub(crate) fn authority_certificate(&self) -> &str {
        &self.authority.certificate
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
        let server = self.address(Component::ApiServer);
        for (user, identity) in &self.users {
            let text = kubeconfig::text(server, &self.authority, user, identity);
            pki::write_private(&self.kubeconfig(user), &text)?;
        }
        Ok(())
    }
}

/// Identities of what runs on real nodes; kubelets also serve with theirs.
fn node_users(
    authority: &Authority,
    pki: &Path,
    network: Network,
    nodes: u8,
) -> Result<Vec<(String, Identity)>, StartError> {
    let mut users = vec![
        // `system:kube-proxy` has its role from kube-apiserver's own bindings.
        ("kube-proxy".to_owned(), authority.sign("system:kube-proxy", None, &[])?),
        ("labnetpol".to_owned(), authority.sign("labnetpol", Some("system:masters"), &[])?),
        ("local-path-provisioner".to_owned(), authority.sign("local-path", Some("system:masters"), &[])?),
    ];
    for user in [csi::PROVISIONER, csi::RESIZER, snapshots::SNAPSHOTTER, snapshots::CONTROLLER] {
        users.push((user.to_owned(), authority.sign(user, None, &[])?));
    }
    let host = network.host().to_string();
    let metrics_server = authority.sign(metrics::USER, None, &[metrics::SERVING_HOST, &host])?;
    metrics_server.write(pki, metrics::USER)?;
    users.push((metrics::USER.to_owned(), metrics_server));
    for index in 1..=nodes {
        let (name, address) = (node::name(index), network.node(index).to_string());
        let identity =
            authority.sign(&format!("system:node:{name}"), Some("system:nodes"), &[&name, &address])?;
        identity.write(pki, &name)?;
        users.push((name, identity));
    }
    Ok(users)
}

/// `--name=path`.
pub(crate) fn path_flag(name: &str, path: &Path) -> String {
    format!("--{name}={}", path.display())
}
