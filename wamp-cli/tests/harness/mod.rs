//! Processes that end with the test, and waits that end at all.

#![allow(dead_code, reason = "each test program uses a part of it")]

pub(crate) mod guarded;

use std::{
    io::{BufRead as _, BufReader, Read, Write as _},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, channel},
    },
    thread,
    time::Duration,
};

/// Longer than anything here takes on a busy machine.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// Waits until something is there, which has no signal of its own.
pub(crate) fn poll<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    const STEP: Duration = Duration::from_millis(5);
    for _ in 0..LONG.as_millis() / STEP.as_millis() {
        if let Some(found) = look() {
            return found;
        }
        thread::sleep(STEP);
    }
    panic!("{what} did not happen in time");
}

/// A running `wamp`, killed when it is dropped.
pub(crate) struct Running {
    child: Child,
    stdout: Receiver<Vec<u8>>,
    stderr: Receiver<Vec<u8>>,
}

/// What a process left behind.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) raw: Vec<u8>,
}

/// Starts `wamp` without the environment's opinion on its flags.
pub(crate) fn start(arguments: &[&str], environment: &[(&str, &str)], stdin: &[u8]) -> Running {
    start_program(env!("CARGO_BIN_EXE_wamp"), arguments, environment, stdin)
}

/// Starts a program that runs `wamp`.
pub(crate) fn start_program(
    program: &str,
    arguments: &[&str],
    environment: &[(&str, &str)],
    stdin: &[u8],
) -> Running {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("WAMP") || name == "RUST_LOG" {
            command.env_remove(name);
        }
    }
    // Whoever runs the tests may have contexts.
    command.env("XDG_CONFIG_HOME", "/nonexistent");
    command.args(arguments).envs(environment.iter().copied());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // Whether the program reads it is its affair.
    let _ = child.stdin.take().unwrap().write_all(stdin);
    let stdout = lines(child.stdout.take().unwrap());
    let stderr = lines(child.stderr.take().unwrap());
    Running { child, stdout, stderr }
}

/// Runs `wamp` to its end.
pub(crate) fn wamp(arguments: &[&str]) -> Ended {
    start(arguments, &[], b"").end()
}

fn lines(from: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut from = BufReader::new(from);
        loop {
            let mut line = Vec::new();
            match from.read_until(b'\n', &mut line) {
                Ok(read) if read > 0 && sender.send(line).is_ok() => {}
                _ => return,
            }
        }
    });
    receiver
}

impl Running {
    /// Waits for the next line on stdout, without its end.
    pub(crate) fn line(&self) -> String {
        let line = String::from_utf8(self.stdout.recv_timeout(LONG).expect("a line on stdout")).unwrap();
        line.trim_end().to_owned()
    }

    /// Waits for a line on stderr that contains a text.
    pub(crate) fn says(&self, text: &str) -> String {
        loop {
            let line = self.stderr.recv_timeout(LONG).unwrap_or_else(|_| panic!("`{text}` on stderr"));
            let line = String::from_utf8(line).unwrap();
            if line.contains(text) {
                return line;
            }
        }
    }

    /// The process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by its name.
    pub(crate) fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }

    /// Waits until it has ended.
    pub(crate) fn end(mut self) -> Ended {
        let status = poll("the end of the process", || self.child.try_wait().unwrap());
        let raw: Vec<u8> = self.stdout.iter().flatten().collect();
        let stderr: Vec<u8> = self.stderr.iter().flatten().collect();
        Ended {
            code: status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&raw).into_owned(),
            stderr: String::from_utf8(stderr).unwrap(),
            raw,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // In order first, for the sake of the commands that a service runs; it may have ended already.
        if let Ok(None) = self.child.try_wait() {
            let kill = format!("kill -TERM {}", self.child.id());
            let _ = Command::new("sh").args(["-c", &kill]).status();
            for _ in 0..200 {
                if !matches!(self.child.try_wait(), Ok(None)) {
                    return;
                }
                thread::sleep(Duration::from_millis(10));
            }
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Ended {
    /// What it printed, once it is clear that all went well.
    pub(crate) fn ok(self) -> String {
        assert_eq!((self.code, self.stderr.as_str()), (0, ""), "{self:?}");
        self.stdout
    }

    /// The one line on stderr, once it is clear that it failed so and printed nothing else.
    pub(crate) fn failed(self, code: i32) -> String {
        assert_eq!((self.code, self.stdout.as_str()), (code, ""), "{self:?}");
        assert!(self.stderr.starts_with("error: ") && self.stderr.lines().count() == 1, "{self:?}");
        self.stderr
    }
}

/// A directory of its own, removed when it is dropped.
pub(crate) struct Directory(PathBuf);

impl Directory {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("wamp-cli-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // Nothing depends on it.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A router on free ports and Unix sockets of its own.
pub(crate) struct Router {
    pub(crate) process: Running,
    pub(crate) urls: Vec<String>,
    pub(crate) _directory: Directory,
}

impl Router {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    pub(crate) fn start_with(more: &[&str]) -> Self {
        let directory = Directory::new();
        let ready = directory.file("ready");
        let unix = format!("unix://{}", directory.file("raw").display());
        let websocket = format!("ws+unix://{}", directory.file("ws").display());
        let mut arguments = vec!["router", "run", "--listen", "ws://127.0.0.1:0", "--listen", &unix];
        arguments.extend(["--listen", &websocket, "--ready-file", ready.to_str().unwrap()]);
        arguments.extend(more);
        let process = start(&arguments, &[], b"");
        let urls = ready_urls(&ready);
        Self { process, urls, _directory: directory }
    }

    /// The router of a file, besides its listener and a `realm1` whose anonymous role is `anybody`.
    pub(crate) fn of_config(config: &str) -> Self {
        let realm =
            if config.contains("[realms.") { "" } else { "[realms.realm1]\nanonymous = \"anybody\"\n" };
        let listener = "[[listeners]]\nurl = \"ws://127.0.0.1:0\"\n";
        Self::configured(Directory::new(), &format!("{listener}{realm}{config}"), &[])
    }

    /// The router of a file, with all that it names in the same directory, and with these variables.
    pub(crate) fn configured(directory: Directory, text: &str, environment: &[(&str, &str)]) -> Self {
        let (file, ready) = (directory.file("router.toml"), directory.file("ready"));
        std::fs::write(&file, text).unwrap();
        let arguments =
            ["router", "run", "--config", file.to_str().unwrap(), "--ready-file", ready.to_str().unwrap()];
        let process = start(&arguments, environment, b"");
        let urls = ready_urls(&ready);
        Self { process, urls, _directory: directory }
    }

    pub(crate) fn url(&self) -> &str {
        &self.urls[0]
    }

    /// Starts a client of this router.
    pub(crate) fn start_client(&self, arguments: &[&str]) -> Running {
        start(arguments, &[("WAMP_URL", self.url())], b"")
    }

    /// Runs a client of this router to its end.
    pub(crate) fn wamp(&self, arguments: &[&str]) -> Ended {
        self.start_client(arguments).end()
    }

    /// Registers a procedure and waits until it is registered.
    pub(crate) fn register(&self, uri: &str, how: &[&str]) -> Running {
        let running = self.start_client(&[&["register", uri], how].concat());
        running.says("registered ");
        running
    }
}

pub(crate) fn ready_urls(ready: &Path) -> Vec<String> {
    let text = poll("the ready file", || std::fs::read_to_string(ready).ok());
    text.lines().map(str::to_owned).collect()
}

/// A router that welcomes everybody over RawSocket in JSON, and knows how to say goodbye; nothing else.
pub(crate) fn welcoming() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("tcp://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            // A client may go as it likes.
            thread::spawn(move || stream.and_then(welcome));
        }
    });
    url
}

fn welcome(mut stream: TcpStream) -> std::io::Result<()> {
    let mut head = [0; 4];
    stream.read_exact(&mut head)?;
    stream.write_all(&[0x7F, 0xF1, 0, 0])?;
    loop {
        stream.read_exact(&mut head)?;
        let mut message = vec![0; u32::from_be_bytes(head) as usize];
        stream.read_exact(&mut message)?;
        let answer: &[u8] = match message.get(..3) {
            Some(b"[1,") => br#"[2,7,{"roles":{"broker":{},"dealer":{}}}]"#,
            Some(b"[6,") => br#"[6,{},"wamp.close.goodbye_and_out"]"#,
            _ => continue,
        };
        stream.write_all(&(answer.len() as u32).to_be_bytes())?;
        stream.write_all(answer)?;
    }
}

/// A router that says what it is told to over one RawSocket connection in JSON, and then waits for the end.
pub(crate) fn scripted(answers: &'static [&'static str]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("tcp://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut head = [0; 4];
        stream.read_exact(&mut head).unwrap();
        stream.write_all(&[0x7F, 0xF1, 0, 0]).unwrap();
        for answer in answers {
            stream.read_exact(&mut head).unwrap();
            let mut message = vec![0; u32::from_be_bytes(head) as usize];
            stream.read_exact(&mut message).unwrap();
            stream.write_all(&u32::try_from(answer.len()).unwrap().to_be_bytes()).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
        }
        // The answer to a goodbye may be missing: the client has a deadline for it.
        let _ = stream.read_to_end(&mut Vec::new());
    });
    url
}
