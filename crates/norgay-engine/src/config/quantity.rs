//! Lengths of time and amounts of memory, as people write them.

use norgay_core::Value;

/// The longest time that is accepted, a hundred years: sums of it can't overflow.
const MAX_MS: f64 = 100.0 * 366.0 * 86_400_000.0;

/// The largest memory that is accepted.
const MAX_BYTES: f64 = 9.0e18;

/// Milliseconds of `90` (seconds), `90s`, `10m`, `1h30m`, `2d` or `500ms`.
pub(super) fn milliseconds(value: &Value) -> Option<u64> {
    let total = match value {
        Value::Text(text) => match text.trim().parse::<f64>() {
            Ok(seconds) => seconds * 1000.0,
            Err(_) => sum_of_parts(text.trim())?,
        },
        other => other.as_f64()? * 1000.0,
    };
    (total.is_finite() && (0.0..=MAX_MS).contains(&total)).then(|| total.round() as u64)
}

/// The sum of numbers with units, each unit smaller than the one before it.
fn sum_of_parts(text: &str) -> Option<f64> {
    const UNITS: [(&str, f64); 5] = [
        ("d", 86_400_000.0),
        ("h", 3_600_000.0),
        ("m", 60_000.0),
        ("s", 1000.0),
        ("ms", 1.0),
    ];
    let mut total = 0.0;
    let mut rest = text;
    let mut next_unit = 0;
    while !rest.is_empty() {
        let (number, after) = leading_number(rest)?;
        let length = after
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(length);
        let position = UNITS.iter().position(|(name, _)| *name == unit)?;
        if position < next_unit {
            return None;
        }
        next_unit = position + 1;
        total += number * UNITS[position].1;
        rest = after.trim_start();
    }
    (next_unit > 0).then_some(total)
}

/// Bytes of a whole number, `512MB` (millions) or `2GiB` (powers of 1024).
pub(super) fn bytes(value: &Value) -> Option<u64> {
    let total = match value {
        Value::Text(text) => {
            let (number, unit) = leading_number(text.trim())?;
            number * byte_unit(unit.trim())?
        }
        other => other.as_i64()? as f64,
    };
    (0.0..=MAX_BYTES)
        .contains(&total)
        .then(|| total.round() as u64)
}

fn byte_unit(unit: &str) -> Option<f64> {
    let power = |base: f64, letter: char| {
        let exponent = "KMGTP".find(letter.to_ascii_uppercase())? as i32 + 1;
        Some(base.powi(exponent))
    };
    let mut letters = unit.chars();
    match (letters.next(), letters.as_str()) {
        (None, _) | (Some('B' | 'b'), "") => Some(1.0),
        (Some(letter), "B") => power(1000.0, letter),
        (Some(letter), "iB") => power(1024.0, letter),
        _ => None,
    }
}

fn leading_number(text: &str) -> Option<(f64, &str)> {
    let length = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, rest) = text.split_at(length);
    number.parse().ok().map(|number| (number, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Option<u64> {
        milliseconds(&Value::from(text))
    }

    #[test]
    fn times_are_read_as_people_write_them() {
        assert_eq!(milliseconds(&Value::Int(90)), Some(90_000));
        assert_eq!(milliseconds(&Value::Float(0.5)), Some(500));
        assert_eq!(time("90"), Some(90_000));
        assert_eq!(time("90s"), Some(90_000));
        assert_eq!(time("10m"), Some(600_000));
        assert_eq!(time("1h30m"), Some(5_400_000));
        assert_eq!(time("1.5h"), Some(5_400_000));
        assert_eq!(time("2d 1s 5ms"), Some(172_801_005));
        for wrong in [
            "",
            "m",
            "30m1h",
            "10 parsecs",
            "-5",
            "1e400",
            "nan",
            "inf",
            "5mm",
            "..s",
        ] {
            assert_eq!(time(wrong), None, "{wrong}");
        }
        assert_eq!(milliseconds(&Value::Float(f64::NAN)), None);
        assert_eq!(milliseconds(&Value::Bool(true)), None);
    }

    #[test]
    fn sizes_tell_thousands_from_powers_of_two() {
        let size = |text: &str| bytes(&Value::from(text));
        assert_eq!(bytes(&Value::Int(1024)), Some(1024));
        assert_eq!(size("512MB"), Some(512_000_000));
        assert_eq!(size("2GiB"), Some(2 << 30));
        assert_eq!(size("1.5 kB"), Some(1500));
        assert_eq!(size("7B"), Some(7));
        assert_eq!(size("7"), Some(7));
        for wrong in ["", "GB", "2G", "2Gb", "-1GB", "2XB", "99999999PiB", "1e3"] {
            assert_eq!(size(wrong), None, "{wrong}");
        }
        assert_eq!(bytes(&Value::Int(-1)), None);
    }
}
