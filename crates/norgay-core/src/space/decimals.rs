//! Computed numbers as people write them: 0.3 where three steps of 0.1 give 0.30000000000000004.

/// The decimal of at most 12 digits next to `number`, if only rounding can lie between them.
///
/// `spacing` is the distance to the neighbouring values that must stay apart.
pub(crate) fn tidied(number: f64, spacing: f64) -> f64 {
    let noise = (number.abs() * 1e-13 + spacing * 1e-12).min(spacing * 1e-7);
    if number.abs() <= noise {
        return 0.0;
    }
    // Text is the portable way to the double nearest to a decimal.
    let written: f64 = format!("{number:.11e}").parse().unwrap_or(number);
    if (written - number).abs() <= noise {
        written
    } else {
        number
    }
}
