//! Names what Python would understand but no dialect allows, so that errors can say it.

use super::error::{Problem, nearest, shortened};
use super::functions::Function;
use super::lexer::TokenKind;

/// The problem if the token, standing where a value should start, begins something refused.
pub(super) fn refusal_before_value(token: &TokenKind<'_>) -> Option<Problem> {
    let (construct, instead) = match token {
        TokenKind::Symbol("*" | "**") => ("unpacking with a star", "write the items out"),
        TokenKind::Symbol("...") => ("an ellipsis", "write a value"),
        TokenKind::Name("lambda") => ("a lambda", "write the value itself"),
        TokenKind::Name("await" | "yield") => ("a coroutine", "write the value itself"),
        TokenKind::Name(
            "not" | "and" | "or" | "in" | "is" | "if" | "else" | "for" | "async" | "as" | "assert"
            | "break" | "class" | "continue" | "def" | "del" | "elif" | "except" | "finally"
            | "from" | "global" | "import" | "nonlocal" | "pass" | "raise" | "return" | "try"
            | "while" | "with",
        ) => {
            let found = token.described();
            return Some(Problem::Unexpected {
                expected: "a value".to_owned(),
                found,
            });
        }
        _ => return None,
    };
    Some(Problem::refused(construct, instead))
}

/// The problem if the token, standing after a value, begins something refused.
pub(super) fn refusal_after_value(token: &TokenKind<'_>) -> Option<Problem> {
    let (construct, instead) = match token {
        TokenKind::Symbol("**") => ("power", "write the product or the number out"),
        TokenKind::Symbol(".") => ("attribute access", "write a value, such as tp['name']"),
        TokenKind::Symbol("(") => ("calling this", Function::LISTED),
        TokenKind::Symbol("[") => ("an index or slice", "only tp['name'] takes brackets"),
        TokenKind::Symbol(":=") => ("an assignment", "write the value itself"),
        TokenKind::Symbol("=") => (
            "a keyword argument or assignment",
            "write the value alone, or == to compare",
        ),
        TokenKind::Symbol("&" | "&&") => ("'&'", "write 'and'"),
        TokenKind::Symbol("|" | "||") => ("'|'", "write 'or'"),
        TokenKind::Symbol("^" | "<<" | ">>") => ("bitwise arithmetic", "write + - * / // or %"),
        TokenKind::Symbol("@") => ("the matrix product", "write + - * / // or %"),
        TokenKind::Symbol(";") => ("more than one statement", "write one expression"),
        TokenKind::Name("for" | "async") => ("a comprehension", "write the items out"),
        TokenKind::Name("if") => ("a conditional expression", "write one value"),
        TokenKind::Name("is") => ("'is'", "write == to compare"),
        _ => return None,
    };
    Some(Problem::refused(construct, instead))
}

/// The problem of calling a name that is no function.
pub(super) fn unknown_function(name: &str) -> Problem {
    if name == "tp" {
        return Problem::refused(
            "calling tp",
            "write tp['name'] with the name of a parameter",
        );
    }
    let names: Vec<_> = Function::ALL
        .iter()
        .map(|function| function.name().into())
        .collect();
    let instead = match nearest(name, &names) {
        Some(function) => format!("did you mean {function}()? {}", Function::LISTED),
        None => Function::LISTED.to_owned(),
    };
    Problem::refused(format!("calling '{}'", shortened(name)), instead)
}
