//! Asynchronous storage calls for callers that block.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use tokio::runtime::{Builder, Handle, Runtime};

/// The process's one runtime for network calls. It is never dropped, so that it may be used and
/// left anywhere, asynchronous code included.
static NETWORK: OnceLock<Runtime> = OnceLock::new();

/// The runtime whose one thread drives all connections; started by the first call.
///
/// A pooled connection is served by that thread and not by whoever made it, so no caller has to
/// keep running for another one's request to go on.
pub(super) fn network() -> std::io::Result<Handle> {
    if let Some(runtime) = NETWORK.get() {
        return Ok(runtime.handle().clone());
    }
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("norgay-files")
        .enable_all()
        .build()?;
    // Of two threads that come here at once, one's runtime stays.
    if let Err(spare) = NETWORK.set(runtime) {
        spare.shutdown_background();
    }
    let runtime = NETWORK.get().ok_or(std::io::ErrorKind::Other)?;
    Ok(runtime.handle().clone())
}

/// Runs a future to its end on the calling thread, with the network's help if it is given.
///
/// Unlike a runtime's own way this may also be called where a runtime is in use already: it
/// blocks that thread, but does not panic.
pub(super) fn wait<F: Future>(network: Option<&Handle>, future: F) -> F::Output {
    let _entered = network.map(Handle::enter);
    let alarm = Arc::new(Alarm {
        rung: AtomicBool::new(false),
        sleeper: thread::current(),
    });
    let waker = Waker::from(Arc::clone(&alarm));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
        // The flag, and not the wake-up alone: code within the future may park this thread, too.
        while !alarm.rung.swap(false, Ordering::Acquire) {
            thread::park();
        }
    }
}

/// Wakes a waiting thread.
struct Alarm {
    rung: AtomicBool,
    sleeper: Thread,
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.rung.store(true, Ordering::Release);
        self.sleeper.unpark();
    }
}
