//! Runs the real program in its own process, as a user does, and sends it HTTP requests.

use llm_triage::time::Timestamp;
use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

/// Longer than anything takes in a debug build on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(40);

/// Asks repeatedly until there is an answer.
///
/// # Panics
/// If none comes in time.
pub(crate) fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "no {what} in time");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The program, without the `LLM_TRIAGE_*` variables of the developer's shell.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_llm-triage"));
    let ours = |name: &OsStr| name.to_string_lossy().starts_with("LLM_TRIAGE_");
    std::env::vars_os().filter(|(name, _)| ours(name)).for_each(|(name, _)| {
        command.env_remove(name);
    });
    command
}

/// A process that serves HTTP and logs its address on stderr. Killed on drop.
pub(crate) struct Server {
    child: Child,
    said: Arc<Mutex<String>>,
    /// Host and port.
    pub(crate) address: String,
}

impl Server {
    /// Starts it and waits until it logs `word` in a line with `address=…`.
    pub(crate) fn start(command: &mut Command, word: &str) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().expect("the program was found");
        let stderr = BufReader::new(child.stderr.take().expect("stderr is piped"));
        let said = Arc::new(Mutex::new(String::new()));
        let saying = Arc::clone(&said);
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                let mut said = saying.lock().expect("no thread panics while it holds the lock");
                said.push_str(&line);
                said.push('\n');
            }
        });
        let mut server = Self { child, said, address: String::new() };
        server.address = until(word, || {
            if let Some(status) = server.child.try_wait().expect("it is ours") {
                panic!("it ended ({status}):\n{}", server.said());
            }
            let said = server.said();
            let line = said.lines().find(|line| line.contains(word))?;
            line.split_whitespace().find_map(|word| word.strip_prefix("address=")).map(str::to_owned)
        });
        server
    }

    /// `llm-triage run` on a free port, reading files.
    pub(crate) fn run<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Self {
        let daemon = Self::start(program().args(["run", "--listen", "127.0.0.1:0"]).args(arguments), "status page");
        until("the daemon to be ready", || daemon.get("/-/ready").filter(|body| body == "ready\n"));
        daemon
    }

    /// Its standard output, if that is piped.
    pub(crate) fn stdout(&mut self) -> ChildStdout {
        self.child.stdout.take().expect("it is piped, and taken once")
    }

    /// Its stderr so far.
    pub(crate) fn said(&self) -> String {
        self.said.lock().expect("no thread panics while it holds the lock").clone()
    }

    /// The body of an answer with status 200.
    pub(crate) fn get(&self, path: &str) -> Option<String> {
        self.ask("GET", path).filter(|(status, _)| *status == 200).map(|(_, body)| body)
    }

    /// The body of a good answer, as JSON.
    pub(crate) fn json(&self, path: &str) -> Option<serde_json::Value> {
        serde_json::from_str(&self.get(path)?).ok()
    }

    /// Sends one request. Returns status and body of the answer, if there is one.
    pub(crate) fn ask(&self, method: &str, path: &str) -> Option<(u16, String)> {
        let mut stream = TcpStream::connect(&self.address).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        write!(stream, "{method} {path} HTTP/1.0\r\nhost: {}\r\ncontent-length: 0\r\n\r\n", self.address).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
    }

    /// The value of a series of its metrics.
    pub(crate) fn metric(&self, series: &str) -> Option<f64> {
        self.get("/metrics")?.lines().find_map(|line| line.strip_prefix(series)?.trim().parse().ok())
    }

    /// Sends a signal, by the `kill` of the shell, because not every container has another one.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("sh").arg("-c").arg(format!("kill -{name} {}", self.child.id())).status();
        assert!(sent.expect("there is a shell").success(), "{name}");
    }

    /// Waits for its end. Returns the exit status and stderr.
    pub(crate) fn end(mut self) -> (ExitStatus, String) {
        let status = until("the end", || self.child.try_wait().expect("it is ours"));
        (status, self.said())
    }

    /// Ends it with SIGTERM, which must succeed. Returns stderr.
    pub(crate) fn terminate(self) -> String {
        self.signal("TERM");
        let (status, said) = self.end();
        assert_eq!(status.code(), Some(0), "{said}");
        said
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The result of a query to Prometheus that returns one number.
pub(crate) fn query(prometheus: &Server, expression: &str) -> Option<f64> {
    let escaped: String = expression.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let answer = prometheus.json(&format!("/api/v1/query?query={escaped}"))?;
    answer["data"]["result"][0]["value"][1].as_str()?.parse().ok()
}

/// One call, as an application logs it now.
pub(crate) fn call(number: usize, status: u16) -> String {
    let at = Timestamp::from_system(SystemTime::now());
    let what = match status {
        200 => r#""level":"info","event":"llm_api_call","latency_ms":812"#,
        401 => {
            r#""level":"error","event":"llm_api_error","error_code":"invalid_api_key","error":"Incorrect API key provided: sk-proj-****************h7Qa. You can find your API key at https://platform.openai.com/account/api-keys.""#
        }
        _ => r#""level":"error","event":"llm_api_error","error":"The server had an error while processing your request.""#,
    };
    format!(
        "{{\"timestamp\":\"{at}\",\"service\":\"checkout\",\"provider\":\"openai\",\"model\":\"gpt-5-mini\",\"status_code\":{status},\
         \"request_id\":\"req_{number:08}\",{what}}}\n"
    )
}

/// Appends to a file.
pub(crate) fn append(path: &Path, text: &str) {
    let mut file = OpenOptions::new().create(true).append(true).open(path).expect("a file");
    file.write_all(text.as_bytes()).expect("written");
}
