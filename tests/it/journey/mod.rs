mod hand_over;
mod hanging_neighbour;
mod internet_plans;
mod text_an_agent;
