use buttress_problem::Problem;

#[derive(Problem)]
#[problem(status = 404)]
union Union {
    number: u8,
    flag: bool,
}

fn main() {}
