//! Minimization of a smooth function within bounds: projected L-BFGS.
//!
//! Sources: Nocedal, "Updating quasi-Newton matrices with limited storage", Mathematics of
//! Computation 35 (1980); the projection follows Bertsekas, "Projected Newton methods for
//! optimization problems with simple constraints", SIAM J. Control Optim. 20 (1982): coordinates at
//! a bound whose gradient points outwards are held, the step is taken along the projected path.

use super::dense::product;

/// Pairs of steps and gradient changes that are remembered.
const MEMORY: usize = 8;
/// Share of the promised decrease that a step must reach (Armijo).
const SUFFICIENT_DECREASE: f64 = 1e-4;
/// Step lengths tried in one search.
const MAX_BACKTRACKS: u32 = 12;

/// When to stop.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Steps at most.
    pub iterations: u32,
    /// Stop below this largest component of the projected gradient.
    pub gradient: f64,
    /// Stop when a step improves the value by less than this share of it.
    pub decrease: f64,
    /// Length of the first step, in the scale of the variables.
    pub first_step: f64,
}

/// Minimizes `function` (value returned, gradient written) from `x` within `[low, high]`.
///
/// `x` is left at the best point found; its value is returned. Where the function is not finite,
/// the search steps back. O(`MEMORY` d) a step beside the function.
pub fn minimize(
    x: &mut [f64],
    low: &[f64],
    high: &[f64],
    limits: Limits,
    mut function: impl FnMut(&[f64], &mut [f64]) -> f64,
) -> f64 {
    let d = x.len();
    for i in 0..d {
        x[i] = x[i].clamp(low[i], high[i]);
    }
    let mut gradient = vec![0.0; d];
    let mut value = function(x, &mut gradient);
    if !value.is_finite() {
        return value;
    }
    let mut memory: Vec<Pair> = Vec::with_capacity(MEMORY);
    let mut next = vec![0.0; d];
    let mut next_gradient = vec![0.0; d];
    for _ in 0..limits.iterations {
        let held: Vec<bool> = (0..d)
            .map(|i| {
                (x[i] <= low[i] && gradient[i] > 0.0) || (x[i] >= high[i] && gradient[i] < 0.0)
            })
            .collect();
        let largest = (0..d)
            .filter(|i| !held[*i])
            .fold(0.0, |largest: f64, i| largest.max(gradient[i].abs()));
        if largest < limits.gradient {
            break;
        }
        let mut direction = direction(&gradient, &held, &memory);
        let mut slope = product(&direction, &gradient);
        if slope >= 0.0 {
            memory.clear();
            direction = steepest(&gradient, &held);
            slope = product(&direction, &gradient);
        }
        let mut step = if memory.is_empty() {
            limits.first_step / largest.max(limits.first_step)
        } else {
            1.0
        };
        let mut found = None;
        for _ in 0..MAX_BACKTRACKS {
            for i in 0..d {
                next[i] = (x[i] + step * direction[i]).clamp(low[i], high[i]);
            }
            let promised: f64 = (0..d).map(|i| gradient[i] * (next[i] - x[i])).sum();
            let there = function(&next, &mut next_gradient);
            if there.is_finite() && there <= value + SUFFICIENT_DECREASE * promised.min(0.0) {
                found = Some(there);
                break;
            }
            step *= shrink(value, slope, step, there);
        }
        let Some(there) = found else {
            if memory.is_empty() {
                break;
            }
            memory.clear();
            continue;
        };
        remember(&mut memory, x, &next, &gradient, &next_gradient);
        let decrease = value - there;
        x.copy_from_slice(&next);
        gradient.copy_from_slice(&next_gradient);
        value = there;
        if decrease <= limits.decrease * (value.abs() + 1.0) {
            break;
        }
    }
    value
}

struct Pair {
    step: Vec<f64>,
    change: Vec<f64>,
    curvature: f64,
}

fn remember(memory: &mut Vec<Pair>, x: &[f64], next: &[f64], gradient: &[f64], then: &[f64]) {
    let difference = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a - b).collect();
    let step: Vec<f64> = difference(next, x);
    let change: Vec<f64> = difference(then, gradient);
    let curvature = product(&step, &change);
    if curvature > 1e-12 * product(&change, &change) {
        if memory.len() == MEMORY {
            memory.remove(0);
        }
        memory.push(Pair {
            step,
            change,
            curvature,
        });
    }
}

fn steepest(gradient: &[f64], held: &[bool]) -> Vec<f64> {
    let free = gradient.iter().zip(held);
    free.map(|(g, held)| if *held { 0.0 } else { -g }).collect()
}

/// The two-loop recursion over the free coordinates.
fn direction(gradient: &[f64], held: &[bool], memory: &[Pair]) -> Vec<f64> {
    let mut q = steepest(gradient, held);
    let mut factors = vec![0.0; memory.len()];
    for (pair, factor) in memory.iter().zip(&mut factors).rev() {
        *factor = product(&pair.step, &q) / pair.curvature;
        for (q, change) in q.iter_mut().zip(&pair.change) {
            *q -= *factor * change;
        }
    }
    if let Some(last) = memory.last() {
        let scale = last.curvature / product(&last.change, &last.change);
        for q in &mut q {
            *q *= scale;
        }
    }
    for (pair, factor) in memory.iter().zip(&factors) {
        let correction = product(&pair.change, &q) / pair.curvature;
        for (q, step) in q.iter_mut().zip(&pair.step) {
            *q += (factor - correction) * step;
        }
    }
    for (q, held) in q.iter_mut().zip(held) {
        if *held {
            *q = 0.0;
        }
    }
    q
}

/// By which factor the step shrinks: to the minimum of the parabola through what is known.
fn shrink(value: f64, slope: f64, step: f64, there: f64) -> f64 {
    if !there.is_finite() {
        return 0.1;
    }
    let bend = there - value - slope * step;
    if bend <= 0.0 {
        return 0.5;
    }
    (-slope * step / (2.0 * bend)).clamp(0.1, 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        iterations: 200,
        gradient: 1e-8,
        decrease: 1e-15,
        first_step: 0.1,
    };

    fn rosenbrock(x: &[f64], gradient: &mut [f64]) -> f64 {
        let (a, b) = (1.0 - x[0], x[1] - x[0] * x[0]);
        gradient[0] = -2.0 * a - 400.0 * x[0] * b;
        gradient[1] = 200.0 * b;
        a * a + 100.0 * b * b
    }

    #[test]
    fn the_free_minimum_is_found() {
        let mut x = [-1.2, 1.0];
        let value = minimize(&mut x, &[-5.0; 2], &[5.0; 2], LIMITS, rosenbrock);
        assert!(value < 1e-12, "{value}");
        assert!((x[0] - 1.0).abs() < 1e-5 && (x[1] - 1.0).abs() < 1e-5);
    }

    /// The minimum on the edge was found with SciPy's L-BFGS-B.
    #[test]
    fn a_minimum_on_a_bound_is_found() {
        let mut x = [-1.2, 1.0];
        let value = minimize(&mut x, &[-5.0, 2.0], &[5.0, 5.0], LIMITS, rosenbrock);
        // On x1 = 2 the best x0 solves 400 x0 (x0² - 2) = 2 (1 - x0).
        let x0 = x[0];
        assert_eq!(x[1], 2.0);
        assert!((400.0 * x0 * (x0 * x0 - 2.0) - 2.0 * (1.0 - x0)).abs() < 1e-5);
        assert!(value.is_finite());
    }

    #[test]
    fn not_finite_values_are_stepped_back_from() {
        let mut x = [0.9];
        let value = minimize(&mut x, &[-10.0], &[10.0], LIMITS, |x, gradient| {
            gradient[0] = 1.0 - 1.0 / x[0];
            if x[0] <= 0.0 {
                f64::NAN
            } else {
                x[0] - x[0].ln()
            }
        });
        assert!((value - 1.0).abs() < 1e-9);
    }
}
