//! Threads for procedures and event handlers, which may block.

use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex},
    thread,
    time::Duration,
};

use crate::runtime::lock;

/// A handler to be run.
pub(crate) type Job = Box<dyn FnOnce() + Send>;

/// Most threads of one client. More handlers than these wait for their turn.
const MOST: usize = 64;

/// How long a thread without work stays.
const STAY: Duration = Duration::from_secs(10);

/// Threads that come when they are needed, up to a limit, and go when they are not.
#[derive(Default)]
pub(crate) struct Pool(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    work: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    threads: usize,
    idle: usize,
    over: bool,
}

impl Pool {
    /// Runs a job as soon as a thread is free.
    pub(crate) fn run(&self, job: Job) {
        let mut state = lock(&self.0.state);
        state.jobs.push_back(job);
        if state.idle >= state.jobs.len() {
            self.0.work.notify_one();
            return;
        }
        if state.threads >= MOST {
            return;
        }
        state.threads += 1;
        drop(state);
        let shared = self.0.clone();
        let spawned = thread::Builder::new().name("wamp-handler".to_owned()).spawn(move || shared.work());
        if spawned.is_err() {
            // Those that are there will get to it; if there are none, the caller's time limit tells.
            lock(&self.0.state).threads -= 1;
        }
    }
}

impl Shared {
    /// A thread of the pool.
    fn work(&self) {
        let mut state = lock(&self.state);
        loop {
            while let Some(job) = state.jobs.pop_front() {
                drop(state);
                job();
                state = lock(&self.state);
            }
            if state.over {
                break;
            }
            state.idle += 1;
            let (back, waited) = match self.work.wait_timeout(state, STAY) {
                Ok(waited) => waited,
                Err(poisoned) => poisoned.into_inner(),
            };
            state = back;
            state.idle -= 1;
            if waited.timed_out() && state.jobs.is_empty() {
                break;
            }
        }
        state.threads -= 1;
    }
}

impl Drop for Pool {
    /// Threads without work end; nobody waits for those that have some.
    fn drop(&mut self) {
        lock(&self.0.state).over = true;
        self.0.work.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::runtime::clock;

    #[test]
    fn jobs_run_side_by_side_up_to_the_limit() {
        let pool = Pool::default();
        let (started, starts) = mpsc::channel();
        let (go, wait) = mpsc::channel::<()>();
        let wait = Arc::new(Mutex::new(wait));
        for _ in 0..2 * MOST {
            let (started, wait) = (started.clone(), wait.clone());
            pool.run(Box::new(move || {
                started.send(()).unwrap();
                let _ = wait.lock().unwrap().recv();
            }));
        }
        for _ in 0..MOST {
            starts.recv_timeout(Duration::from_secs(10)).unwrap();
        }
        assert!(starts.recv_timeout(Duration::from_millis(100)).is_err(), "more threads than allowed");
        for _ in 0..2 * MOST {
            go.send(()).unwrap();
        }
        for _ in 0..MOST {
            starts.recv_timeout(Duration::from_secs(10)).unwrap();
        }
    }

    #[test]
    fn threads_end_with_the_pool() {
        let pool = Pool::default();
        let shared = Arc::downgrade(&pool.0);
        pool.run(Box::new(|| {}));
        drop(pool);
        let begun = clock();
        while shared.strong_count() > 0 {
            assert!(begun.elapsed() < Duration::from_secs(5), "threads stay");
            thread::sleep(Duration::from_millis(2));
        }
    }
}
