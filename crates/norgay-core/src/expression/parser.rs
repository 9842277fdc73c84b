//! Parses a text into a tree by recursive descent, one method a level of Python's grammar.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::MAX_DEPTH;
use super::error::{ExpressionError, Problem};
use super::functions::Function;
use super::lexer::{Lexer, Token, TokenKind};
use super::number_literal::{MINIMUM_MAGNITUDE, TOO_LARGE};
use super::refusal::{refusal_after_value, refusal_before_value, unknown_function};
use super::syntax::{Expression, Kind, Operator, Parameter, Relation, Step, Tree, Word};
use super::text_literal::Escapes;
use crate::node::Place;
use crate::value::Value;

type Parsed<T> = Result<T, ExpressionError>;

/// Expressions, and the parameters that they name.
type Row = (Vec<Expression>, Vec<(Arc<str>, Place)>);

/// Parses a whole text that holds one expression.
pub(super) fn parse_one(text: &str, limit: usize, escapes: Escapes) -> Parsed<Tree> {
    let mut parser = Parser::new(text, limit, escapes)?;
    let root = parser.expression()?;
    if parser.current.kind != TokenKind::End {
        return Err(parser.unexpected("the end of the text"));
    }
    Ok(Tree {
        root,
        parameters: parser.parameters,
    })
}

/// Parses expressions in a row, separated by commas, newlines or both.
pub(super) fn parse_row(text: &str, limit: usize, escapes: Escapes) -> Parsed<Row> {
    let mut parser = Parser::new(text, limit, escapes)?;
    let mut row = Vec::new();
    while parser.current.kind != TokenKind::End {
        row.push(parser.expression()?);
        if !parser.eat(",")?
            && !parser.current.after_newline
            && parser.current.kind != TokenKind::End
        {
            return Err(parser.unexpected("a comma or a new line"));
        }
    }
    Ok((row, parser.parameters))
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    current: Token<'a>,
    /// Open brackets, signs and `not`s.
    depth: usize,
    /// Open brackets alone: inside, newlines mean nothing.
    brackets: usize,
    parameters: Vec<(Arc<str>, Place)>,
    slots: BTreeMap<Arc<str>, usize>,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str, limit: usize, escapes: Escapes) -> Parsed<Self> {
        let start = Place { line: 1, column: 1 };
        if text.len() > limit {
            return Err(Problem::TextTooLong {
                length: text.len(),
                limit,
            }
            .at(start));
        }
        let mut lexer = Lexer::new(text, escapes);
        let current = lexer.next()?;
        let slots = BTreeMap::new();
        Ok(Self {
            lexer,
            current,
            depth: 0,
            brackets: 0,
            parameters: Vec::new(),
            slots,
        })
    }

    /// Moves on to the next token and gives the one before.
    fn advance(&mut self) -> Parsed<Token<'a>> {
        let next = self.lexer.next()?;
        Ok(std::mem::replace(&mut self.current, next))
    }

    fn eat(&mut self, symbol: &str) -> Parsed<bool> {
        let is_next = self.current.kind.is_symbol(symbol);
        if is_next {
            self.advance()?;
        }
        Ok(is_next)
    }

    fn expect(&mut self, symbol: &str, expected: &str) -> Parsed<()> {
        if self.eat(symbol)? {
            Ok(())
        } else {
            Err(self.unexpected(expected))
        }
    }

    /// The error that what comes next, after a value, cannot stand there.
    fn unexpected(&self, expected: &str) -> ExpressionError {
        let kind = &self.current.kind;
        refusal_after_value(kind)
            .unwrap_or_else(|| unexpected(expected, kind))
            .at(self.current.place)
    }

    /// Runs `parse` one level deeper.
    fn nested<T>(&mut self, place: Place, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth == MAX_DEPTH {
            return Err(Problem::TooDeep { limit: MAX_DEPTH }.at(place));
        }
        self.depth += 1;
        let result = parse(self);
        self.depth -= 1;
        result
    }

    fn expression(&mut self) -> Parsed<Expression> {
        self.logic(Word::Or, |parser| parser.logic(Word::And, Self::negation))
    }

    /// One or more operands of `and` or `or`.
    fn logic(
        &mut self,
        word: Word,
        operand: impl Fn(&mut Self) -> Parsed<Expression>,
    ) -> Parsed<Expression> {
        let first = operand(self)?;
        if !self.current.kind.is_name(word.name()) {
            return Ok(first);
        }
        let (place, operator_place) = (first.place, self.current.place);
        let mut operands = vec![first];
        while self.current.kind.is_name(word.name()) {
            self.advance()?;
            operands.push(operand(self)?);
        }
        Ok(Expression {
            place,
            kind: Kind::Logic {
                word,
                operator_place,
                operands,
            },
        })
    }

    fn negation(&mut self) -> Parsed<Expression> {
        let place = self.current.place;
        if !self.current.kind.is_name("not") {
            return self.comparison();
        }
        self.advance()?;
        let operand = self.nested(place, Self::negation)?;
        Ok(Expression {
            place,
            kind: Kind::Not(Box::new(operand)),
        })
    }

    fn comparison(&mut self) -> Parsed<Expression> {
        let first = self.sum()?;
        let mut rest = Vec::new();
        loop {
            let place = self.current.place;
            let Some(operator) = self.relation()? else {
                break;
            };
            rest.push(Step {
                operator,
                place,
                operand: self.sum()?,
            });
        }
        Ok(joined(first, rest, |first, rest| Kind::Comparison {
            first,
            rest,
        }))
    }

    fn relation(&mut self) -> Parsed<Option<Relation>> {
        let relation = match self.current.kind {
            TokenKind::Symbol(symbol) => Relation::of(symbol),
            TokenKind::Name("in") => Some(Relation::In),
            TokenKind::Name("not") => {
                self.advance()?;
                if !self.current.kind.is_name("in") {
                    return Err(self.unexpected("'in' after 'not'"));
                }
                Some(Relation::NotIn)
            }
            _ => None,
        };
        if relation.is_some() {
            self.advance()?;
        }
        Ok(relation)
    }

    fn sum(&mut self) -> Parsed<Expression> {
        self.arithmetic(Operator::of_sum, |parser| {
            parser.arithmetic(Operator::of_product, Self::signed)
        })
    }

    /// One or more operands of the operators of one level.
    fn arithmetic(
        &mut self,
        operator_of: impl Fn(&str) -> Option<Operator>,
        operand: impl Fn(&mut Self) -> Parsed<Expression>,
    ) -> Parsed<Expression> {
        let first = operand(self)?;
        let mut rest = Vec::new();
        while let TokenKind::Symbol(symbol) = self.current.kind
            && let Some(operator) = operator_of(symbol)
        {
            let place = self.advance()?.place;
            rest.push(Step {
                operator,
                place,
                operand: operand(self)?,
            });
        }
        Ok(joined(first, rest, |first, rest| Kind::Arithmetic {
            first,
            rest,
        }))
    }

    fn signed(&mut self) -> Parsed<Expression> {
        let place = self.current.place;
        let minus = self.current.kind.is_symbol("-");
        if !minus && !self.current.kind.is_symbol("+") {
            return self.primary();
        }
        self.advance()?;
        let kind = match self.current.kind {
            // Only here is the magnitude of the smallest whole number known to be negative.
            TokenKind::Int(number) if minus => {
                Kind::Constant(Value::Int(0i64.wrapping_sub_unsigned(number)))
            }
            TokenKind::Float(number) if minus => Kind::Constant(Value::Float(-number)),
            TokenKind::Float(number) => Kind::Constant(Value::Float(number)),
            TokenKind::Int(number) => Kind::Constant(self.int(number)?),
            _ => {
                let operand = Box::new(self.nested(place, Self::signed)?);
                return Ok(Expression {
                    place,
                    kind: Kind::Sign { minus, operand },
                });
            }
        };
        self.advance()?;
        Ok(Expression { place, kind })
    }

    fn int(&self, magnitude: u64) -> Parsed<Value> {
        i64::try_from(magnitude).map(Value::Int).map_err(|_| {
            Problem::Number {
                text: MINIMUM_MAGNITUDE.to_string(),
                why: TOO_LARGE,
            }
            .at(self.current.place)
        })
    }

    fn primary(&mut self) -> Parsed<Expression> {
        let place = self.current.place;
        let kind = match self.current.kind {
            TokenKind::Int(number) => {
                let value = self.int(number)?;
                self.advance()?;
                Kind::Constant(value)
            }
            TokenKind::Float(number) => {
                self.advance()?;
                Kind::Constant(Value::Float(number))
            }
            TokenKind::Text(_) => Kind::Constant(Value::from(self.text()?)),
            TokenKind::Name(name) => self.named(name)?,
            TokenKind::Symbol("(") => return self.parenthesis(),
            TokenKind::Symbol("[") => {
                Kind::List(self.bracketed(|parser| parser.items("]", "a comma or ']'"))?)
            }
            TokenKind::Symbol("{") => Kind::Dict(self.bracketed(Self::entries)?),
            TokenKind::Symbol(_) | TokenKind::End => return Err(self.not_a_value()),
        };
        Ok(Expression { place, kind })
    }

    fn not_a_value(&self) -> ExpressionError {
        let kind = &self.current.kind;
        refusal_before_value(kind)
            .unwrap_or_else(|| unexpected("a value", kind))
            .at(self.current.place)
    }

    /// Text, with what is written directly after it joined to it.
    fn text(&mut self) -> Parsed<String> {
        let mut whole = String::new();
        let mut is_first = true;
        while matches!(self.current.kind, TokenKind::Text(_))
            && (is_first || self.brackets > 0 || !self.current.after_newline)
        {
            is_first = false;
            if let TokenKind::Text(piece) = self.advance()?.kind {
                whole.push_str(&piece);
            }
        }
        Ok(whole)
    }

    /// A constant, a parameter or a call; the name is the current token.
    fn named(&mut self, name: &'a str) -> Parsed<Kind> {
        let place = self.current.place;
        let constant = match name {
            "None" | "null" => Value::None,
            "True" | "true" => Value::Bool(true),
            "False" | "false" => Value::Bool(false),
            _ if refusal_before_value(&self.current.kind).is_some() => {
                return Err(self.not_a_value());
            }
            _ => {
                self.advance()?;
                return match self.current.kind {
                    TokenKind::Symbol("[") if name == "tp" => self.subscript(place),
                    TokenKind::Symbol("(") => self.call(name, place),
                    _ => self.bare_name(name, place),
                };
            }
        };
        self.advance()?;
        Ok(Kind::Constant(constant))
    }

    fn bare_name(&mut self, name: &str, place: Place) -> Parsed<Kind> {
        if self.current.kind.is_symbol(".") || self.current.kind.is_symbol("[") {
            return Err(self.unexpected("an operator"));
        }
        if name == "tp" {
            let instead = "write tp['name'] with the name of a parameter";
            return Err(Problem::refused("tp as a whole", instead).at(place));
        }
        Ok(self.parameter(name.into(), place, true))
    }

    fn parameter(&mut self, name: Arc<str>, place: Place, is_bare: bool) -> Kind {
        let next_slot = self.parameters.len();
        let slot = *self.slots.entry(Arc::clone(&name)).or_insert(next_slot);
        if slot == next_slot {
            self.parameters.push((name, place));
        }
        Kind::Parameter(Parameter { slot, is_bare })
    }

    /// The key of `tp`, in its brackets.
    fn subscript(&mut self, start: Place) -> Parsed<Kind> {
        self.bracketed(|parser| {
            let place = parser.current.place;
            if !matches!(parser.current.kind, TokenKind::Text(_)) {
                let construct = format!("{} as a key of tp", parser.current.kind.described());
                let instead = "write the name of a parameter in quotes, as in tp['name']";
                return Err(Problem::refused(construct, instead).at(place));
            }
            let name = parser.text()?;
            parser.expect("]", "']' after the key of tp")?;
            Ok(parser.parameter(name.into(), start, false))
        })
    }

    /// A call of one of the functions; its opening bracket is the current token.
    fn call(&mut self, name: &str, place: Place) -> Parsed<Kind> {
        let function = Function::named(name).ok_or_else(|| unknown_function(name).at(place))?;
        let arguments = self.bracketed(|parser| parser.items(")", "a comma or ')'"))?;
        function
            .check_count(arguments.len())
            .map_err(|problem| problem.at(place))?;
        Ok(Kind::Call {
            function,
            arguments,
        })
    }

    fn parenthesis(&mut self) -> Parsed<Expression> {
        let place = self.current.place;
        self.bracketed(|parser| {
            if parser.eat(")")? {
                return Ok(Expression {
                    place,
                    kind: Kind::Tuple(Vec::new()),
                });
            }
            let first = parser.expression()?;
            if parser.eat(")")? {
                return Ok(first);
            }
            parser.expect(",", "a comma or ')'")?;
            let mut items = vec![first];
            items.append(&mut parser.items(")", "a comma or ')'")?);
            Ok(Expression {
                place,
                kind: Kind::Tuple(items),
            })
        })
    }

    /// Reads the opening bracket and what `inside` reads, which includes the closing one.
    fn bracketed<T>(&mut self, inside: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        let place = self.current.place;
        self.nested(place, |parser| {
            parser.brackets += 1;
            parser.advance()?;
            let result = inside(parser);
            parser.brackets -= 1;
            result
        })
    }

    /// Expressions with commas between them, up to and including the closing bracket.
    fn items(&mut self, closing: &str, expected: &str) -> Parsed<Vec<Expression>> {
        let mut items = Vec::new();
        while !self.eat(closing)? {
            items.push(self.expression()?);
            if !self.eat(",")? && !self.current.kind.is_symbol(closing) {
                return Err(self.unexpected(expected));
            }
        }
        Ok(items)
    }

    /// The entries of a dict, up to and including the closing bracket.
    fn entries(&mut self) -> Parsed<Vec<(Expression, Expression)>> {
        let mut entries = Vec::new();
        while !self.eat("}")? {
            let key = self.expression()?;
            if self.current.kind.is_symbol(",") || self.current.kind.is_symbol("}") {
                let instead = "write 'key': value, or a list in square brackets";
                return Err(Problem::refused("a set", instead).at(key.place));
            }
            self.expect(":", "':' after the key")?;
            entries.push((key, self.expression()?));
            if !self.eat(",")? && !self.current.kind.is_symbol("}") {
                return Err(self.unexpected("a comma or '}'"));
            }
        }
        Ok(entries)
    }
}

/// The first operand alone if nothing is joined to it.
fn joined<O>(
    first: Expression,
    rest: Vec<Step<O>>,
    kind: impl FnOnce(Box<Expression>, Vec<Step<O>>) -> Kind,
) -> Expression {
    if rest.is_empty() {
        return first;
    }
    Expression {
        place: first.place,
        kind: kind(Box::new(first), rest),
    }
}

fn unexpected(expected: &str, found: &TokenKind<'_>) -> Problem {
    Problem::Unexpected {
        expected: expected.to_owned(),
        found: found.described(),
    }
}
