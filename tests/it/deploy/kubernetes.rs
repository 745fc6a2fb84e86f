//! The manifests of Kubernetes: rendered by kustomize, validated against its schemas, and their configuration run on a
//! directory that looks like a node's.

use crate::running::{Server, append, call, program, until};
use crate::tool;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const FOLDERS: [&str; 9] = [
    "base",
    "overlays/all-pods",
    "overlays/gateways",
    "overlays/gateways-operator",
    "overlays/gke-autopilot",
    "overlays/push",
    "annotations",
    "prometheus-operator",
    "sidecar",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/kubernetes")
}

/// The objects of each folder. `None` if a tool is missing.
fn render(root: &Path, folders: &[&str]) -> Option<Result<Vec<Vec<Value>>, String>> {
    tool::find("kubectl")?;
    let python = tool::python("yaml, jsonschema, kubernetes_validate")?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/deploy/kubernetes.py");
    let output = Command::new(python).arg(script).arg(root).args(folders).output().expect("it runs");
    if !output.status.success() {
        return Some(Err(String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Some(Ok(text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()))
}

fn object<'a>(objects: &'a [Value], kind: &str) -> &'a Value {
    let mut found = objects.iter().filter(|object| object["kind"] == kind);
    let first = found.next().unwrap_or_else(|| panic!("no {kind}"));
    assert!(found.next().is_none(), "one {kind}");
    first
}

#[test]
fn every_variant_is_valid_and_holds_what_it_promises() {
    let Some(rendered) = render(&root(), &FOLDERS) else { return };
    let rendered = rendered.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(rendered.len(), FOLDERS.len());
    for (folder, objects) in FOLDERS.iter().zip(&rendered).filter(|(folder, _)| **folder != "sidecar") {
        let namespace = object(objects, "Namespace");
        assert_eq!(namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"], "privileged", "{folder}");
        let pod = &object(objects, "DaemonSet")["spec"]["template"];
        let spec = &pod["spec"];
        assert_eq!(spec["automountServiceAccountToken"], false);
        assert_eq!(spec["tolerations"][0]["operator"], "Exists");
        let container = &spec["containers"][0];
        assert_eq!(container["image"], "llm-triage:0.1.0");
        let security = &container["securityContext"];
        assert_eq!(security["readOnlyRootFilesystem"], true);
        assert_eq!(security["capabilities"]["drop"][0], "ALL");
        // The pod mounts its ConfigMap by a name with a hash, so a change of the configuration restarts the pods.
        let map = object(objects, "ConfigMap");
        let name = map["metadata"]["name"].as_str().expect("a name");
        assert!(name.starts_with("llm-triage-"), "{name}");
        let volumes = spec["volumes"].as_array().expect("volumes");
        assert!(volumes.iter().any(|volume| volume["configMap"]["name"] == name), "{folder}: {name}");
        let writable: Vec<_> =
            container["volumeMounts"].as_array().expect("mounts").iter().filter(|mount| mount["readOnly"] != true).collect();
        assert_eq!(writable.len(), 1, "only the state can be written: {writable:?}");
        let scraped = pod["metadata"]["annotations"]["prometheus.io/scrape"] == "true";
        let monitored = objects.iter().any(|object| object["kind"] == "PodMonitor");
        let by_annotation = ["annotations", "overlays/gke-autopilot"].contains(folder);
        assert_eq!((scraped, monitored), (by_annotation, folder.ends_with("operator")), "{folder}");
        let config = map["data"]["config.toml"].as_str().unwrap_or_default();
        assert_eq!(config.contains("name = \"gateways\""), folder.contains("gateways"), "{folder}");
        let on_node: Vec<_> = volumes.iter().filter_map(|volume| volume["hostPath"]["path"].as_str()).collect();
        let expected = if *folder == "overlays/gke-autopilot" { 1 } else { 2 };
        assert_eq!((on_node.len(), on_node.contains(&"/var/log/pods")), (expected, true), "{folder}: {on_node:?}");
        good_configuration(map, container);
        assert_eq!(open_ports(objects).len(), if *folder == "overlays/push" { 2 } else { 1 }, "{folder}");
    }
}

/// The ports that the daemon is started with, which the container declares and the policy admits.
fn open_ports(objects: &[Value]) -> Vec<u64> {
    let container = &object(objects, "DaemonSet")["spec"]["template"]["spec"]["containers"][0];
    let ports = |list: &Value, key: &str| -> Vec<u64> {
        list.as_array().into_iter().flatten().filter_map(|port| port[key].as_u64()).collect()
    };
    let declared = ports(&container["ports"], "containerPort");
    let rules = object(objects, "NetworkPolicy")["spec"]["ingress"].as_array().expect("rules");
    let admitted: Vec<u64> = rules.iter().flat_map(|rule| ports(&rule["ports"], "port")).collect();
    assert_eq!(declared, admitted);
    let arguments: Vec<&str> = container["args"].as_array().expect("arguments").iter().filter_map(Value::as_str).collect();
    let at = arguments.iter().position(|argument| *argument == "--http");
    let listens = at.and_then(|at| arguments.get(at + 1)?.strip_prefix("0.0.0.0:")).map(|port| port.parse().expect("a port"));
    assert_eq!(declared.get(1).copied(), listens, "{arguments:?}");
    declared
}

#[test]
fn pods_push_to_the_daemon_of_their_node() {
    let Some(rendered) = render(&root(), &["overlays/push"]) else { return };
    let objects = &rendered.unwrap_or_else(|error| panic!("{error}"))[0];
    let service = object(objects, "Service");
    assert_eq!(service["spec"]["internalTrafficPolicy"], "Local");
    let pod = &object(objects, "DaemonSet")["spec"]["template"];
    assert_eq!(service["spec"]["selector"], pod["metadata"]["labels"]);
    let container = &pod["spec"]["containers"][0];
    let port = &service["spec"]["ports"][0];
    assert_eq!((&port["targetPort"], &port["port"]), (&container["ports"][1]["name"], &container["ports"][1]["containerPort"]));
    assert!(fs::read_to_string(root().join("components/push/kustomization.yaml")).expect("a file").contains(&format!(
        "http://{}.{}:{}",
        service["metadata"]["name"].as_str().expect("a name"),
        service["metadata"]["namespace"].as_str().expect("a namespace"),
        port["port"]
    )));
    // The arguments are those of a daemon that starts, with this node's paths and addresses in place of the pod's.
    let dir = tempfile::tempdir().expect("a directory");
    let config = dir.path().join("config.toml");
    fs::write(&config, "").expect("a file");
    let path = config.display().to_string();
    let arguments = container["args"].as_array().expect("arguments").iter().filter_map(Value::as_str).skip(1);
    let arguments = arguments.map(|argument| match argument {
        "/etc/llm-triage/config.toml" => path.as_str(),
        "0.0.0.0:4318" => "127.0.0.1:0",
        other => other,
    });
    let state = dir.path().join("state").display().to_string();
    let daemon = Server::run(arguments.chain(["--state-dir", &state]));
    assert!(daemon.said().contains("taking lines"), "{}", daemon.said());
    daemon.terminate();
}

/// The configuration in a ConfigMap is valid; it listens on the port of the probes, and has no receiver.
fn good_configuration(map: &Value, container: &Value) {
    let dir = tempfile::tempdir().expect("a directory");
    let config = dir.path().join("config.toml");
    fs::write(&config, map["data"]["config.toml"].as_str().expect("a configuration")).expect("a file");
    let output = program().args(["check", "--config"]).arg(&config).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let port = container["ports"][0]["containerPort"].as_u64().expect("a port");
    assert!(said.contains(&format!("listen         0.0.0.0:{port}\n")), "{said}");
    assert!(said.contains("(traffic mixed, grain auto)"), "{said}");
    assert!(said.contains("receiver       none;"), "{said}");
}

/// The check above can fail.
#[test]
fn a_key_that_is_misspelled_is_found() {
    for (file, from, to) in [
        ("base/daemonset.yaml", "tolerations:", "tolerationz:"),
        ("prometheus-operator/podmonitor.yaml", "interval:", "intervall:"),
    ] {
        let dir = tempfile::tempdir().expect("a directory");
        let copied = Command::new("cp").arg("-r").arg(root()).arg(dir.path()).status();
        assert!(copied.expect("there is cp").success());
        let root = dir.path().join("kubernetes");
        let text = fs::read_to_string(root.join(file)).expect("a manifest");
        fs::write(root.join(file), text.replace(from, to)).expect("a file");
        let Some(rendered) = render(&root, &["prometheus-operator"]) else { return };
        let fault = rendered.expect_err("it must be refused");
        assert!(fault.contains(to.trim_end_matches(':')), "{fault}");
    }
}

/// A node with a client, a gateway, a system pod and a pod of llm-triage.
struct Node {
    dir: tempfile::TempDir,
}

impl Node {
    const PODS: [&str; 4] = [
        "shop_checkout-7d9_0b1c/app",
        "llm_litellm-proxy-5c_1d2e/litellm",
        "kube-system_kube-proxy-x_3f4a/kube-proxy",
        "llm-triage_llm-triage-abc12_5b6c/llm-triage",
    ];

    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        for pod in Self::PODS {
            fs::create_dir_all(dir.path().join("pods").join(pod)).expect("a directory");
        }
        Self { dir }
    }

    /// Runs the daemon with the configuration of a folder; returns the services with failed calls when there are `expected` of
    /// them.
    fn run(&self, folder: &str, expected: usize) -> Vec<String> {
        let text = fs::read_to_string(root().join(folder).join("config.toml")).expect("a configuration");
        let here = self.dir.path().join("pods").display().to_string();
        let config = self.dir.path().join("config.toml");
        // As on a node, except for the first part of the paths.
        let text = text.replace("/var/log/pods", &here).replace("[[source.file]]", "[[source.file]]\ntraffic = 'mixed'");
        fs::write(&config, text.replace("\ntraffic = \"mixed\"", "")).expect("a file");
        let state = self.dir.path().join(folder.replace('/', "-"));
        let mut command = program();
        command.args(["run", "--listen", "127.0.0.1:0", "--config"]).arg(&config).arg("--state-dir").arg(&state);
        command.env("POD_NAME", "llm-triage-abc12").env("POD_NAMESPACE", "llm-triage");
        let daemon = Server::start(&mut command, "status page");
        until("the daemon to be ready", || daemon.get("/-/ready").filter(|body| body == "ready\n"));
        for (number, pod) in Self::PODS.iter().enumerate() {
            let line = call(number, 401).replace("\"service\":\"checkout\",", "");
            let line = format!("2026-11-20T09:16:51.894123456Z stdout F {line}");
            append(&self.dir.path().join("pods").join(pod).join("0.log"), &line);
        }
        let files = format!("llm_triage_source_files{{source=\"{}\"}}", Self::source(folder));
        let counted = until("the failed calls", || {
            let metrics = daemon.get("/metrics")?;
            let series = metrics.lines().filter_map(|line| line.strip_prefix("llm_triage_service_errors_total{service=\""));
            let mut seen: Vec<_> = series.filter_map(|rest| rest.split_once('"')).map(|(name, _)| name.to_owned()).collect();
            seen.sort();
            (seen.len() == expected && daemon.metric(&files) == Some(expected as f64)).then_some(seen)
        });
        daemon.terminate();
        fs::remove_dir_all(self.dir.path().join("pods")).expect("it was there");
        counted
    }

    fn source(folder: &str) -> &'static str {
        if folder.ends_with("gateways") { "gateways" } else { "pods" }
    }
}

#[test]
fn each_overlay_reads_the_pods_that_it_says() {
    assert_eq!(Node::new().run("base", 1), ["shop/app"], "clients, and no gateway");
    assert_eq!(Node::new().run("components/gateways", 1), ["llm/litellm"]);
    assert_eq!(Node::new().run("components/all-pods", 2), ["llm/litellm", "shop/app"], "and never our own");
}
