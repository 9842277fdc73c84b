//! Reads numbers as Python writes them.

use super::cursor::Cursor;
use super::error::{ExpressionError, Problem, shortened};
use super::lexer::{TokenKind, continues_name};

/// The magnitude of the smallest whole number of 64 bits; only a minus makes it fit.
pub(super) const MINIMUM_MAGNITUDE: u64 = 1 << 63;

pub(super) const TOO_LARGE: &str = "it does not fit in 64 bits; write it as a float or as text";

/// Reads the number that comes next.
pub(super) fn read_number<'a>(cursor: &mut Cursor<'a>) -> Result<TokenKind<'a>, ExpressionError> {
    let place = cursor.place();
    let written = take_number(cursor);
    let result = match radix_of(written) {
        Some((radix, digits)) => based_int(digits, radix),
        None if written.contains(['.', 'e', 'E']) => float(written),
        None => decimal_int(written),
    };
    result.map_err(|why| {
        Problem::Number {
            text: shortened(written),
            why,
        }
        .at(place)
    })
}

/// Takes all that touches the number, so that an error shows it whole.
fn take_number<'a>(cursor: &mut Cursor<'a>) -> &'a str {
    let has_radix = radix_of(cursor.rest()).is_some();
    let mut after_exponent = false;
    cursor.take_while(|next| {
        let belongs = continues_name(next)
            || (!has_radix && next == '.')
            || (after_exponent && matches!(next, '+' | '-'));
        after_exponent = !has_radix && matches!(next, 'e' | 'E');
        belongs
    })
}

/// The base that a prefix names, and what follows the prefix.
fn radix_of(written: &str) -> Option<(u32, &str)> {
    let rest = written.strip_prefix('0')?;
    let radix = match rest.chars().next()? {
        'x' | 'X' => 16,
        'o' | 'O' => 8,
        'b' | 'B' => 2,
        _ => return None,
    };
    rest.get(1..).map(|digits| (radix, digits))
}

fn based_int(digits: &str, radix: u32) -> Result<TokenKind<'static>, &'static str> {
    let digits = digits.strip_prefix('_').unwrap_or(digits);
    let plain =
        joined(digits, |digit| digit.is_digit(radix)).ok_or("a digit is not of its base")?;
    int(&plain, radix)
}

fn decimal_int(written: &str) -> Result<TokenKind<'static>, &'static str> {
    let plain = joined(written, |digit| digit.is_ascii_digit()).ok_or(misfit(written))?;
    if plain.starts_with('0') && plain.contains(|digit| digit != '0') {
        return Err("a whole number cannot start with 0; write 0o before an octal one");
    }
    int(&plain, 10)
}

fn int(plain: &str, radix: u32) -> Result<TokenKind<'static>, &'static str> {
    match u64::from_str_radix(plain, radix) {
        Ok(number) if number <= MINIMUM_MAGNITUDE => Ok(TokenKind::Int(number)),
        _ => Err(TOO_LARGE),
    }
}

fn float(written: &str) -> Result<TokenKind<'static>, &'static str> {
    let plain = plain_float(written).ok_or(misfit(written))?;
    match plain.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(TokenKind::Float(number)),
        Ok(_) => Err("it is larger than the largest float"),
        Err(_) => Err(misfit(written)),
    }
}

/// A decimal float without the underscores that Python allows between digits.
pub(super) fn plain_float(written: &str) -> Option<String> {
    let is_digit = |digit: char| digit.is_ascii_digit();
    let (mantissa, exponent) = match written.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (written, None),
    };
    let mut plain = match mantissa.split_once('.') {
        Some(("", fraction)) => format!("0.{}", joined(fraction, is_digit)?),
        Some((whole, "")) => joined(whole, is_digit)?,
        Some((whole, fraction)) => {
            format!(
                "{}.{}",
                joined(whole, is_digit)?,
                joined(fraction, is_digit)?
            )
        }
        None => joined(mantissa, is_digit)?,
    };
    if let Some(exponent) = exponent {
        let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        plain.push_str(if exponent.starts_with('-') { "e-" } else { "e" });
        plain.push_str(&joined(digits, is_digit)?);
    }
    Some(plain)
}

/// The digits without single underscores between them; nothing if anything else is there.
pub(super) fn joined(digits: &str, is_digit: impl Fn(char) -> bool) -> Option<String> {
    let groups_are_whole = digits
        .split('_')
        .all(|group| !group.is_empty() && group.chars().all(&is_digit));
    groups_are_whole.then(|| digits.replace('_', ""))
}

fn misfit(written: &str) -> &'static str {
    if written.ends_with(['j', 'J']) {
        "complex numbers are not allowed"
    } else {
        "expected digits with an optional fraction and exponent, then a space or an operator"
    }
}
