//! Sums, differences, products and quotients in text.

/// The value of an expression of numbers, `+ - * /` and parentheses.
///
/// # Errors
/// Says what is wrong with the expression.
pub fn evaluate(expression: &str) -> Result<f64, String> {
    if !expression.chars().all(|c| "0123456789+-*/(). ".contains(c)) {
        return Err("invalid characters in expression".to_owned());
    }
    let mut parser = Parser { rest: expression.trim_start(), depth: 0 };
    let value = parser.sum()?;
    if !parser.rest.is_empty() {
        return Err("invalid syntax".to_owned());
    }
    Ok(value)
}

/// Parentheses and signs nest at most this deep.
const MAX_DEPTH: usize = 64;

struct Parser<'a> {
    rest: &'a str,
    depth: usize,
}

impl Parser<'_> {
    fn sum(&mut self) -> Result<f64, String> {
        let mut value = self.product()?;
        loop {
            if self.take('+') {
                value += self.product()?;
            } else if self.take('-') {
                value -= self.product()?;
            } else {
                return Ok(value);
            }
        }
    }

    fn product(&mut self) -> Result<f64, String> {
        let mut value = self.factor()?;
        loop {
            if self.take('*') {
                value *= self.factor()?;
            } else if self.take('/') {
                let divisor = self.factor()?;
                if divisor == 0.0 {
                    return Err("division by zero".to_owned());
                }
                value /= divisor;
            } else {
                return Ok(value);
            }
        }
    }

    fn factor(&mut self) -> Result<f64, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("too many nested parentheses".to_owned());
        }
        let value = if self.take('-') {
            -self.factor()?
        } else if self.take('+') {
            self.factor()?
        } else if self.take('(') {
            let inner = self.sum()?;
            if !self.take(')') {
                return Err("'(' was never closed".to_owned());
            }
            inner
        } else {
            self.number()?
        };
        self.depth -= 1;
        Ok(value)
    }

    fn number(&mut self) -> Result<f64, String> {
        let end = self.rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(self.rest.len());
        let (digits, rest) = self.rest.split_at(end);
        self.rest = rest.trim_start();
        digits.parse().map_err(|_| "invalid syntax".to_owned())
    }

    fn take(&mut self, wanted: char) -> bool {
        match self.rest.strip_prefix(wanted) {
            Some(rest) => {
                self.rest = rest.trim_start();
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_follow_the_usual_precedence() {
        assert_eq!(evaluate("2 + 3"), Ok(5.0));
        assert_eq!(evaluate("1 + 2 * (3 - 4) / -8"), Ok(1.25));
        assert_eq!(evaluate(" .5*4 "), Ok(2.0));
    }

    #[test]
    fn what_is_no_expression_is_an_error() {
        let wrong = |expression: &str| evaluate(expression).unwrap_err();
        assert_eq!(wrong("2 ^ 3"), "invalid characters in expression");
        assert_eq!(wrong("1 / 0"), "division by zero");
        assert_eq!(wrong("(1"), "'(' was never closed");
        assert_eq!(wrong("1 2"), "invalid syntax");
        assert_eq!(wrong(""), "invalid syntax");
        assert_eq!(wrong(&"(".repeat(100_000)), "too many nested parentheses");
    }
}
