mod hand_over;
mod internet_plans;
mod text_an_agent;
