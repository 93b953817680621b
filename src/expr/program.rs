use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};

use cel::common::ast::IdedExpr;
use cel::parser::{ParseErrors, PrattParser};
use cel::{Context, Env, ExecutionError};
use serde_json::Value;

use super::bounds::{self, MAX_DEPTH, MAX_NODES};
use super::convert;

/// The variable by which a guard names the observation.
pub const OBSERVATION: &str = "obs";

/// Why an expression could not be compiled or evaluated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExprError {
    /// It is not CEL.
    #[error("not a CEL expression: line {line}, column {column}: {what}")]
    Syntax {
        /// Line, from 1; 0 where the parser does not know.
        line: usize,
        /// Column, from 1; 0 where the parser does not know.
        column: usize,
        /// The parser's words.
        what: String,
    },
    /// It is larger than what is evaluated.
    #[error("the expression is too large: {what} {is}, at most {most} are allowed")]
    TooLarge {
        /// What is counted.
        what: &'static str,
        /// How many there are.
        is: usize,
        /// How many there may be.
        most: usize,
    },
    /// It could take too long on these values.
    #[error("the expression's loops could take {work} steps on this value, at most {most} are allowed")]
    TooCostly {
        /// An upper estimate of the steps.
        work: u64,
        /// The bound.
        most: u64,
    },
    /// It failed on these values.
    #[error("the expression failed: {0}")]
    Evaluation(String),
    /// It yields something else than what is asked for.
    #[error("the expression yields a {is}, a {wanted} is needed")]
    Type {
        /// What it yields.
        is: &'static str,
        /// What is needed.
        wanted: &'static str,
    },
}

/// A compiled expression.
#[derive(Clone, Debug)]
pub struct Program {
    source: String,
    expr: Arc<IdedExpr>,
    loops: u32,
    nodes: usize,
}

impl Program {
    /// Compiles an expression.
    ///
    /// # Errors
    /// [`ExprError::Syntax`] with the place, or [`ExprError::TooLarge`].
    pub fn compile(source: &str) -> Result<Self, ExprError> {
        bounds::check_length(source)?;
        // The hand-written parser: the crate's other one is generated, has no guard on its stack
        // and can take memory exponential in the number of brackets.
        let parser = PrattParser::new()
            .max_recursion_depth(MAX_DEPTH)
            .max_expression_node_count(MAX_NODES)
            .error_recovery_limit(1);
        let expr = catch_unwind(AssertUnwindSafe(|| parser.parse(source)))
            .map_err(|_| syntax(0, 0, "the parser gave up"))?
            .map_err(|errors| first_error(&errors))?;
        let size = bounds::measure(&expr)?;
        Ok(Self { source: source.to_owned(), expr: Arc::new(expr), loops: size.loops, nodes: size.nodes })
    }

    /// The expression as it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The free variables, sorted.
    pub fn variables(&self) -> Vec<String> {
        bounds::free_variables(&self.expr)
    }

    /// The strings and numbers that stand in it, in order. Macros may add some of their own.
    pub fn literals(&self) -> Vec<Value> {
        bounds::literals(&self.expr)
    }

    /// Whether a guard holds for an observation.
    ///
    /// # Errors
    /// When it fails on this observation (a key that is absent, types that do not fit), yields
    /// no boolean, or would take too long. A caller treats each as "does not hold".
    pub fn holds(&self, obs: &Value) -> Result<bool, ExprError> {
        match self.run(&[(OBSERVATION, obs)])? {
            cel::Value::Bool(holds) => Ok(holds),
            other => Err(ExprError::Type { is: convert::type_name(&other), wanted: "boolean" }),
        }
    }

    /// The value that the expression computes from named values.
    ///
    /// # Errors
    /// When it fails on these values, would take too long, or yields something JSON cannot hold.
    pub fn value(&self, vars: &[(String, Value)]) -> Result<Value, ExprError> {
        let vars: Vec<(&str, &Value)> = vars.iter().map(|(name, value)| (name.as_str(), value)).collect();
        convert::to_json(&self.run(&vars)?)
    }

    fn run(&self, vars: &[(&str, &Value)]) -> Result<cel::Value, ExprError> {
        bounds::check_work(self.loops, self.nodes, vars)?;
        catch_unwind(AssertUnwindSafe(|| {
            let mut context = Context::with_env(environment());
            for (name, value) in vars {
                context.add_variable_from_value(*name, convert::from_json(value));
            }
            context.resolve(&self.expr)
        }))
        .map_err(|_| ExprError::Evaluation("the interpreter gave up".to_owned()))?
        .map_err(|error| ExprError::Evaluation(without_values(&error)))
    }
}

fn environment() -> Arc<Env> {
    static ENVIRONMENT: OnceLock<Arc<Env>> = OnceLock::new();
    Arc::clone(ENVIRONMENT.get_or_init(|| Arc::new(Env::stdlib())))
}

fn syntax(line: usize, column: usize, what: &str) -> ExprError {
    ExprError::Syntax { line, column, what: what.to_owned() }
}

fn first_error(errors: &ParseErrors) -> ExprError {
    let placed = errors.errors.iter().find(|error| error.pos.0 > 0);
    let Some(error) = placed.or(errors.errors.first()) else { return syntax(0, 0, "unknown error") };
    let place = |n: isize| usize::try_from(n).unwrap_or(0);
    syntax(place(error.pos.0), place(error.pos.1), &error.msg)
}

/// Says what went wrong without the values at hand: they may be a tenant's data.
fn without_values(error: &ExecutionError) -> String {
    match error {
        ExecutionError::NoSuchKey(key) => format!("there is no key `{key}`"),
        ExecutionError::UndeclaredReference(name) => format!("`{name}` is not declared"),
        ExecutionError::NoSuchOverload(overload) => overload.to_string(),
        ExecutionError::UnexpectedType { got, want } => format!("a {want} is needed where a {got} stands"),
        ExecutionError::InvalidArgumentCount { expected, actual } => {
            format!("{actual} arguments where {expected} are needed")
        }
        ExecutionError::ValuesNotComparable(..) => "values of these types cannot be compared".to_owned(),
        ExecutionError::IndexOutOfBounds(_) => "the index is out of bounds".to_owned(),
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => {
            "division by zero".to_owned()
        }
        ExecutionError::Overflow(operator, ..) => format!("overflow of `{operator}`"),
        ExecutionError::FunctionError { function, .. } => format!("the function `{function}` failed"),
        _ => "an operation does not fit its values".to_owned(),
    }
}
