//! The pod that wrote a file: Kubernetes puts namespace, pod and container into the path of a log file.

/// Namespace, pod and container of a log file of a Kubernetes node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pod {
    /// `namespace/container`: the service of its records.
    pub(super) service: String,
    /// The name of the pod: the host of its records.
    pub(super) name: String,
}

impl Pod {
    /// From `…/pods/<namespace>_<pod>_<uid>/<container>/<n>.log` or `…/containers/<pod>_<namespace>_<container>-<id>.log`.
    pub(super) fn of_path(path: &str) -> Option<Self> {
        if let Some((_, rest)) = path.split_once("/pods/") {
            let (pod, rest) = rest.split_once('/')?;
            let (container, _) = rest.split_once('/')?;
            let mut parts = pod.split('_');
            let (namespace, name) = (parts.next()?, parts.next()?);
            parts.next()?;
            return Some(Self { service: format!("{namespace}/{container}"), name: name.to_owned() });
        }
        let (_, rest) = path.split_once("/containers/")?;
        let mut parts = rest.strip_suffix(".log")?.split('_');
        let (name, namespace, container) = (parts.next()?, parts.next()?, parts.next()?);
        let (container, _id) = container.rsplit_once('-')?;
        Some(Self { service: format!("{namespace}/{container}"), name: name.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kubernetes_paths_name_namespace_pod_and_container() {
        let wanted = Some(Pod { service: "shop/app".to_owned(), name: "web-7d9".to_owned() });
        assert_eq!(Pod::of_path("/var/log/pods/shop_web-7d9_0b1c/app/0.log"), wanted);
        assert_eq!(Pod::of_path("/var/log/containers/web-7d9_shop_app-0123abcd.log"), wanted);
        assert_eq!(Pod::of_path("/var/log/app.log"), None);
    }
}
