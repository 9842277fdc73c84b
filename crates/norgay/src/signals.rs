//! Ctrl-C and SIGTERM, turned into levels of the run's stop switch.

use norgay_engine::run::{StopLevel, StopSwitch};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::output::complain;

/// Listens on a thread of its own for as long as the program lives.
pub fn listen(switch: StopSwitch) -> std::io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    std::thread::spawn(move || {
        for signal in signals.forever() {
            if signal == SIGTERM {
                switch.raise(StopLevel::Now);
            } else {
                switch.raise_by_one();
            }
            complain(match switch.level() {
                StopLevel::Gently => {
                    "\nstopping: running trials may finish (Ctrl-C again ends them at once)"
                }
                StopLevel::Now => "\nstopping: ending the running trials; they will be run again",
                _ => "\nstopping: killing the running trials; they will be run again",
            });
        }
    });
    Ok(())
}
