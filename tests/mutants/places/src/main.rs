//! Prints where the operators and match arms of Rust files are, one JSON object a line, for `tests/mutants/run`.
//! A place is `[line, column, line, column]`, lines from 1, columns (characters) from 0.

use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

/// Prints what it visits of one file.
struct Printer(String);

impl Printer {
    /// `a` and `b` are the operands; of an arm, its pattern and its guard.
    fn put(&self, kind: &str, all: Span, op: Span, (a, b): (Span, Span)) {
        let [all, op, a, b] = [all, op, a, b].map(place);
        let file = &self.0;
        println!(r#"{{"file":"{file}","kind":"{kind}","all":{all},"op":{op},"a":{a},"b":{b}}}"#);
    }
}

impl<'a> Visit<'a> for Printer {
    fn visit_expr_binary(&mut self, e: &'a syn::ExprBinary) {
        // A chain with `let` in it is no expression that could stand elsewhere.
        if !(has_let(&e.left) || has_let(&e.right)) {
            let operands = (e.left.span(), e.right.span());
            self.put("binary", e.span(), e.op.span(), operands);
        }
        visit::visit_expr_binary(self, e);
    }

    fn visit_expr_unary(&mut self, e: &'a syn::ExprUnary) {
        let inner = e.expr.span();
        self.put("unary", e.span(), e.op.span(), (inner, inner));
        visit::visit_expr_unary(self, e);
    }

    fn visit_arm(&mut self, e: &'a syn::Arm) {
        let pattern = e.pat.span();
        match &e.guard {
            Some((_, guard)) if has_let(guard) => {}
            Some((_, guard)) => {
                self.put("guarded", e.span(), guard.span(), (pattern, guard.span()));
            }
            None => self.put("arm", e.span(), pattern, (pattern, pattern)),
        }
        visit::visit_arm(self, e);
    }
}

fn has_let(e: &syn::Expr) -> bool {
    match e {
        syn::Expr::Let(_) => true,
        syn::Expr::Binary(b) => has_let(&b.left) || has_let(&b.right),
        _ => false,
    }
}

fn place(span: Span) -> String {
    let (from, to) = (span.start(), span.end());
    format!("[{},{},{},{}]", from.line, from.column, to.line, to.column)
}

fn main() {
    for path in std::env::args().skip(1) {
        let text = std::fs::read_to_string(&path).expect("the file can be read");
        let file = syn::parse_file(&text).expect("the file is Rust");
        Printer(path).visit_file(&file);
    }
}
