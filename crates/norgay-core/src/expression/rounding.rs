//! Python's `round()` to a number of decimal digits: the exact decimal value decides, and a tie
//! goes to the even digit.

use super::error::Problem;

/// More digits after the point than this leave every float as it is.
const MOST_DIGITS: i64 = 323;

/// Rounding further left of the point than this makes every float zero.
const FEWEST_DIGITS: i64 = -308;

/// Rounds a float to digits after the point, or before it if negative.
pub(super) fn round_to_digits(number: f64, digits: i64) -> Result<f64, Problem> {
    if !number.is_finite() || digits > MOST_DIGITS {
        return Ok(number);
    }
    if digits < FEWEST_DIGITS {
        return Ok(0.0 * number);
    }
    let decimal = match usize::try_from(digits) {
        // Rust writes the exact value, rounded to the even digit where it is a tie.
        Ok(digits) => format!("{:.digits$}", number.abs()),
        Err(_) => rounded_left(number.abs(), digits.unsigned_abs() as usize),
    };
    match decimal.parse::<f64>() {
        Ok(magnitude) if magnitude.is_finite() => Ok(libm::copysign(magnitude, number)),
        _ => Err(Problem::FloatOverflow),
    }
}

/// The decimal digits of a magnitude with the last `dropped` before the point rounded to zeros.
fn rounded_left(magnitude: f64, dropped: usize) -> String {
    let whole = format!("{:.0}", libm::trunc(magnitude));
    let has_fraction = magnitude != libm::trunc(magnitude);
    let padded = format!("{whole:0>width$}", width = dropped + 1);
    let (kept, tail) = padded.split_at(padded.len() - dropped);
    let half_then_zeros = tail.starts_with('5') && tail.bytes().skip(1).all(|digit| digit == b'0');
    let is_tie = half_then_zeros && !has_fraction;
    let is_odd = kept.bytes().last().is_some_and(|digit| digit % 2 == 1);
    let rounds_up = tail.starts_with(|digit| digit >= '5') && (!is_tie || is_odd);
    let kept = if rounds_up {
        incremented(kept)
    } else {
        kept.to_owned()
    };
    format!("{kept}{:0<dropped$}", "")
}

/// Decimal digits plus one.
fn incremented(digits: &str) -> String {
    let kept = digits.trim_end_matches('9');
    let nines = digits.len() - kept.len();
    let (head, last) = kept.split_at(kept.len().saturating_sub(1));
    let next = last
        .bytes()
        .next()
        .map_or('1', |digit| char::from(digit + 1));
    format!("{head}{next}{:0<nines$}", "")
}

/// Rounds a whole number; digits after the point leave it as it is.
pub(super) fn round_int(number: i64, digits: i64) -> Result<i64, Problem> {
    if digits >= 0 {
        return Ok(number);
    }
    // Half of 10 to the 20th exceeds every number of 64 bits.
    let power = u32::try_from(digits.unsigned_abs())
        .unwrap_or(u32::MAX)
        .min(20);
    let unit = 10i128.pow(power);
    let down = i128::from(number).div_euclid(unit);
    let twice_rest = 2 * i128::from(number).rem_euclid(unit);
    let rounds_up = twice_rest > unit || (twice_rest == unit && down % 2 != 0);
    let rounded = (down + i128::from(rounds_up)) * unit;
    i64::try_from(rounded).map_err(|_| Problem::Overflow {
        what: format!("round({number}, {digits})"),
    })
}
