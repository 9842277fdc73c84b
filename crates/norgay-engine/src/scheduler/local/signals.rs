//! Signals as messages, so that the supervisor can wait for them with a time limit.

use std::io;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1};
use signal_hook::iterator::Signals;

/// From here on the process does not die of these signals, but receives them as messages.
///
/// What a terminal sends (SIGHUP, SIGINT, SIGQUIT) is received too, and of no interest: it is
/// not for the attempt.
pub(super) fn receive() -> io::Result<Receiver<i32>> {
    let mut signals = Signals::new([SIGCHLD, SIGTERM, SIGUSR1, SIGHUP, SIGINT, SIGQUIT])?;
    let (sender, receiver) = channel();
    thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            for signal in signals.forever() {
                if sender.send(signal).is_err() {
                    break;
                }
            }
        })?;
    Ok(receiver)
}
